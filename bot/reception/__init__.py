"""The front door: what adapters hear comes in here, is judged, given to its agent, and committed."""
