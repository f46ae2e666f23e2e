"""The parts of a running everbot, a page for each room of the house: what is made of what is given, after those that it
stands on. `bot.app` puts them together."""
