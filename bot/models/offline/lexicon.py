"""Lists of words that the rules know."""

from __future__ import annotations


def wordset(text: str) -> frozenset[str]:
    return frozenset(text.split())


def pairs(text: str) -> dict[str, str]:
    """``a=b c=d`` as a dictionary."""
    return dict(pair.split("=") for pair in text.split())


STOP = wordset(
    """a about above actually after again ago all also am an and any anyone anything appelle are aren't as
    at be been before being but by can can't cannot che chi chiama comment como could cuando currently
    cuándo cómo das de dein dem den der des did didn't die do does doesn't doing don't donde down du
    dónde each ein eine einen el else es est et ever few for from gli habe had has hasn't hast have
    haven't having he heisse heisst heiße heißt her here hers him his how i i'd i'll i'm i've ich if il
    in into is isn't ist it it'd it's its itself je just kind know la las le les let llama lo los lot ma
    many may me mein meine meinen meiner mes meu mi mia might mine minha mio mis mit mon more most much
    must my myself nicht no nor not now o oder of off ok okay old on once onde one only or os other ou
    our ours out over own où pas please pourquoi qual quand quando que quel quelle quem qui quien quién
    qué really recall remember remind s'appelle said same say se shall she should si sind so some
    someone something sont sort still such são tell than that that's the their theirs them then there
    these they thing things think this those to told too tu type um uma un und under une until up us
    very von wann want war warum was wasn't we welche welcher wer were what what's when where which
    while who whom whose why wie will wir with wo won't would y yes yet you you're your yours yourself é"""
)
"""Words that carry no meaning, in English and in a few other languages."""

ENGLISH = wordset(
    """a am an and are at be but bye can could did do does for good had has have he hello help her hey hi
    his how i i'd i'll i'm i've in is it me mine my no not of ok okay on or our please she thank thanks
    that the their these they this those to us was we were what when where which who why will with would
    yes you your"""
)
"""Words by which English is told from other languages."""

WEAK = wordset(
    """age apartment be born breed buy city colour come cost country day dislike drink drive eat enjoy
    favourite find get give go happen hate have hold keep language last leave like live living look lose
    love make meet month move name need new number own place play prefer put read run see sell send
    speak start stay study take talk time today tomorrow travel use visit wear week work year yesterday"""
)
"""Words that say what is asked about a thing, not which thing."""

PAST = pairs(
    """ate=eat became=become began=begin bought=buy broke=break brought=bring built=build came=come
    caught=catch chose=choose did=do drank=drink drove=drive fell=fall felt=feel flew=fly forgot=forget
    found=find gave=give got=get gotten=get grew=grow had=have heard=hear held=hold hid=hide kept=keep
    knew=know learnt=learn left=leave lent=lend lost=lose made=make met=meet paid=pay ran=run rode=ride
    sang=sing saw=see sent=send slept=sleep sold=sell spent=spend spoke=speak stood=stand stole=steal
    swam=swim taught=teach thought=think threw=throw told=tell took=take understood=understand went=go
    gone=go won=win wore=wear wrote=write written=write was=be were=be"""
)
"""Irregular past forms."""

SYNONYMS = pairs(
    """called=name named=name names=name bike=bicycle bikes=bicycle color=colour favorite=favourite
    mom=mother mum=mother mummy=mother dad=father daddy=father password=code passcode=code
    flat=apartment puppy=dog kitten=cat wi-fi=wifi job=work kids=child children=child kid=child
    wives=wife mice=mouse hates=hate"""
)
"""Words that are taken for another."""
