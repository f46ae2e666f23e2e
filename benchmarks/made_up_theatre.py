"""The second room: a company of amateurs and their stage. Nothing of the search was chosen by it.

It was written before the search was changed by what the first one had shown, about other things, in other words and
with other talk between: parts of sentences that are put together, few of them alike. Some lines answer what
somebody asked just before ("Who ...?", "I do"), and name it no more.
"""

# ruff: noqa: E501 (a row of a table is a line)

from __future__ import annotations

from benchmarks.made_up_room import Tables, joined, rows

# What was decided first, what later, what it is about, the question, and what somebody asked just before the second.
_CHANGES = """
The premiere stays on the ninth of May, the board signed it off|The hall is double booked on the ninth, so opening night moves to the sixteenth|premiere|Which date has been fixed for the first performance?|So what about the premiere now?
We perform The Broken Jug in spring|Rights for The Broken Jug fell through, we do The Government Inspector|spring play|What piece is the company putting on after winter?|Did you hear back from the publisher?
Rehearsals happen in the parish hall from now on|The parish hall threw us out, practise is in the old brewery starting next week|rehearsal room|In what building do the actors train their scenes?
Tickets cost twelve euros, we voted|Ticket price went up to fifteen after the bill for the lights|tickets|How much does a spectator pay for a seat?
Greta directs, hands were raised|Greta has twins coming, Pavel is directing instead|director|Who is the boss of the production?|Who takes over from Greta?
The posters are printed by Rossi in Mill Lane|Rossi wanted double, so the posters come from Inkwell now|posters|Which company makes our placards?
Costumes will be rented from the opera|We sew the costumes ourselves after all, the opera lent theirs to Vienna|costumes|Where does what the actors wear come from?
Lemonade and beer at the interval, nothing else|The caretaker forbade beer, it is lemonade and soup at the interval|interval|What refreshments are sold in the break?
Props are stored in Lena's garage|Lena needs her garage back, all props are in the container behind the station|props|Where do we keep swords, cups and other requisites?
The prompter is Mr Abel|Mr Abel lost his voice, his daughter is the prompter now|prompter|Who whispers forgotten lines to the cast?
On tour we go to Brno|No grant for Brno, the tour goes to Linz|tour|What foreign city will the troupe visit?
Doors open at half past six|People queued in the rain, so doors open at six|doors|From what hour is the audience let in?
The donation from the bakery goes to a new curtain|The curtain got patched, we spend the bakery's donation on microphones|donation|What did we do with the money the bread shop gave?
We hire a pianist for the songs|The pianist is too expensive, a recording does the songs|songs|How will the singing be accompanied?
Sundays are free of rehearsals, we agreed|We need the time: rehearsals on Sundays too, and Wednesdays are free|free day|On which day does nobody have to practise?
The fog machine is allowed, said the fire brigade|The fire brigade changed its mind, dry ice only|fog|How do we make mist on the stage?
Complaints go to Nadia|Nadia has enough on her plate, so complaints go to Theo|complaints|Whom do I tell if something bothers me in the company?|Where do we send grumblers from now on?
The trailer is parked behind the school|School got strict, the trailer stands at the fire station now|trailer|Where is what we tow the scenery with?
The company's new name is Lanterna|Lanterna is taken by a pizzeria, we call ourselves Halfmoon Stage|new name|How is our group going to be called?
For Nadia's farewell there's a trip in a balloon|Nadia is scared of heights, she gets a weekend at the spa as farewell|farewell|What do we give Nadia when she leaves?
"""
# Who offers what, what it is about, the question, and what somebody asked just before.
_OFFERS = """
My brother-in-law welds, he'd mend the scaffold for a case of beer|scaffold|Who has family who can repair the metal frame?
I can, I did it for years at the circus|make-up|Who will paint the faces of the cast?|Does anybody know how to do make-up?
Got a spare sewing machine in the attic, come and fetch it|sewing|Who can lend equipment for stitching?
Me, my mother tongue is Italian anyway|Italian|Who translates the letter from Rome?|Who reads Italian well enough for the letter?
I'd look after the little ones backstage, I trained as a nursery teacher|backstage|Who minds the children behind the scenes?
That was me, I sat on it. Sorry, I'll buy a new one|crown|Who ruined the king's headgear?|Who broke the crown?
I still have forty chairs from the restaurant I closed|chairs|Who owns seats for additional guests?
I could drive the truck, I have the big licence|truck|Who is permitted to steer a heavy vehicle?
I know the editor of the Courier, he owes me a favour|Courier|Who has contacts at the local newspaper?
I'll feed them, I live next door to the workshop|doves|Who gives the birds their grain?|Who takes care of the doves over Easter?
There's a trunk of uniforms from my grandfather that you may use|uniforms|Who inherited military clothing?
I passed first aid again in June, put me on the list|first aid|Who could help if somebody in the audience collapses?
Leave the accounts to me, I was a bookkeeper|accounts|Who handles our finances?
I can get us the church bells recorded, the sexton is a friend|bells|Who can obtain the sound of ringing?
"""
# What happened to somebody on some day; the question has {name}.
_EVENTS = """
They operated on my knee, I am home again|knee|When did {name} undergo surgery?
Got the keys, we finally own a flat|flat|When did {name} become a home owner?
I'm a grandfather since three this morning|grandfather|When was {name}'s grandchild born?
My bicycle was taken from the courtyard|bicycle|When did somebody steal {name}'s bike?
I gave notice at the insurance office, what a relief|insurance|When did {name} quit the job?
We said yes at the town hall today, nine guests|town hall|When did {name} marry?
Passed! I may fly gliders alone now|gliders|When did {name} get a pilot's licence?
The vet put old Kasper to sleep|Kasper|When did {name} lose the dog?
I was on the radio talking about us|radio|When was {name} interviewed on the air?
My kitchen is under water, a pipe burst|kitchen|When was {name}'s home flooded?
I shaved my head for the role|role|When did {name} remove all hair?
My parcel from Japan was opened by customs|parcel|When did officials inspect something sent to {name}?
I sold my first painting|painting|When did somebody buy a picture made by {name}?
The hearing aid is in, I can hear you all whisper|hearing aid|When did {name} receive a device for the ears?
"""
# An occasion, two excuses, and the question.
_ABSENCES = """
dress rehearsal|My shift got swapped, so no dress rehearsal for me|I'm at my sister's wedding when the dress rehearsal is on|Who was not present at the final practice in costume?
stage building|Can't lift anything, so I skip stage building|Stage building without me please, inventory at work|Who did not help to put up the set?
reading|I will be stuck in Munich during the reading|Migraine, I can't sit through the reading|Who was absent when we read the text together?
photo session|Do the photo session without me, my face is swollen|I'm not free for the photo session, parents' evening|Who is missing in the pictures taken of us?
workshop on masks|The workshop on masks clashes with my exam|I have to cancel the workshop on masks, no money left|Who gave the mask course a miss?
general assembly|I excuse myself from the general assembly, flight lands too late|Count me as excused at the general assembly, my boy has measles|Who could not vote at the yearly gathering?
excursion|The excursion must leave without me, back trouble|Sorry, the excursion is too early for me, I work nights|Who stayed at home when we made the outing?
singing lesson|No voice, no singing lesson|I give the singing lesson a miss, I have jury duty|Who was not trained by the vocal coach?
fencing training|I'm out of fencing training till the stitches are removed|Fencing training is on my wedding anniversary, I won't come|Who avoids practising with swords?
clean-up|I shall not be at the clean-up, dust makes me wheeze|I am in court on the day of the clean-up|Who doesn't tidy the theatre with us?
matinee|Find somebody else for the matinee, I have a christening|I cannot do the matinee, I take the bar exam|Who does not appear in the morning show?
cast dinner|The cast dinner is not for me, I fast that week|I'm ill in bed, enjoy the cast dinner|Who didn't eat with the actors?
"""
# What the two of one name say of one thing, what it is, and the question.
_NAMESAKES = """
I want to play the villain|I'd be scared to play the villain, give me the maid|villain|Which Robin would like to be the bad guy?
I'm allergic to feathers, no boa for me|A feather boa? I own six|feathers|Which Robin cannot tolerate plumes?
I learn my lines in the bathtub|I record my lines and listen while jogging|lines|How does each Robin memorise the text?
I live above the pharmacy|I live out by the quarry|home|Where does each Robin reside?
I used to be a fire-eater|My last job was selling fire extinguishers|fire|Which Robin swallowed flames for a living?
I'd cut the ballroom scene|The ballroom scene is the best, leave it in|ballroom scene|Which Robin wants the dance to be dropped?
I retire next summer|I only start my apprenticeship next summer|summer|Which Robin is young and about to learn a trade?
I have a boat at the lock|I get seasick on the ferry already|boat|Which Robin owns a vessel?
I paid my fee in January|My fee is still open, remind me|fee|Which Robin has not paid the dues?
I speak Hungarian at home|I tried Hungarian for a year and gave up|Hungarian|Which Robin is fluent in the Budapest language?
I come by tram|I come on my moped|way here|What does each Robin travel with?
I had the lead in Faust once|I only ever moved scenery in Faust|Faust|Which Robin was the main character in the Goethe piece?
My wig itches, I want another|I love my wig|wig|Which Robin is unhappy with the false hair?
I bake for the bar on Saturday|I'm on the till on Saturday|Saturday|What task does each Robin have at the weekend?
"""
_BOUGHT = "a cello\na telescope\na crossbow\na mangle\na hookah\na dirndl\na barometer\na gong\na weather vane\na canary cage\na chandelier\na snow globe"
_ABOUT = (
    "what's with the {about}, is anybody on it?",
    "a neighbour asked me about the {about} again",
    "the {about} was mentioned in the paper, imagine",
    "can whoever wrote on the board about the {about} wipe it off",
    "my mother has opinions on the {about}",
    "let us put the {about} on the agenda",
    "three people asked me about the {about} this week",
    "not the {about} again",
)
_AFTER = (
    "perfect",
    "👏",
    "same here",
    "that's a pity",
    "cool cool",
    "can you say that again?",
    "wow",
    "yes",
    "got it",
)
_BEGUN = (
    "overslept once more;our caretaker is in a mood;no milk left;I walked home by the canal;the radiators hiss;found a glove on bench three;"
    "my nephew visits;there was a hedgehog at the stage door;coffee first;pigeons on the roof again;the lift is stuck;I lost count of the stairs;"
    "sun at last;the tram stood for ages;someone parked across the gate;my phone died;I am knitting while you argue;saw a fox by the bins;"
    "the soup today is leek;what a queue at the post office;my glasses fogged up;snow is forecast;I burned the toast;the cat sat on my script;"
    "new neighbours moved in;it smells of varnish in here;someone whistled backstage, bad luck;my bus took a detour;the clock in the foyer is wrong;"
    "I bought too many oranges;a string of my guitar broke;the lamp in row four flickers;everyone coughs;the kettle is on;I fell asleep in act two"
).split(";")
_AMID = (
    "as on Monday;since breakfast;folks;my sister laughs;for the third time;while it hails;I am hungry;;"
    "Theo knows;before noon;of all days;;with my hands full"
).split(";")
_GOES_ON = (
    "so don't wait for me;but what can one do;and nobody believes me;typical;which reminds me that I need stamps;and it's only Tuesday;"
    "at least it is warm;I'll tell you later;has that happened to you?;my fault probably;and then the phone rang;never again;"
    "I blame the moon;anyway;which suits me;and I laughed out loud;don't tell my boss;who wants some?;you should have seen it;"
    "so I stayed in;I should write a book;help;same as yesterday;not complaining;as my gran used to say;so far so good;"
    "which made my day;and I forgot my scarf there;until next time;strange"
).split(";")
THEATRE = Tables(
    names={"robin-east": "Robin", "robin-west": "Robin"}
    | {name.lower(): name for name in "Lena Pavel Nadia Theo Yusuf Marta Oskar Ines Bela Signe".split()},
    places=("foyer", "workshop"),
    changes=rows(_CHANGES),
    offers=rows(_OFFERS),
    events=rows(_EVENTS),
    absences=rows(_ABSENCES),
    namesakes=rows(_NAMESAKES),
    bought=_BOUGHT.splitlines(),
    buying=("look what I got at the junk sale: {thing}", "junk sale", "What did {name} purchase on {day}?"),
    about=_ABOUT,
    after=_AFTER,
    chatter=joined(_BEGUN, _AMID, _GOES_ON),
)
