"""The first room: a house that is shared, with two people called Alex. By it the search was judged as it was changed."""

# ruff: noqa: E501 (a row of a table is a line)

from __future__ import annotations

from benchmarks.made_up_room import Tables, filled, rows

# What was decided first, what was decided later, what they are about, and the question.
_CHANGES = """
We settled it: the autumn party is in the courtyard|The courtyard floods, so everybody agreed to have the autumn party in the boathouse|autumn party|Where do we celebrate in autumn?
Vote is over, the new sofa will be green|Green is sold out, we all said yes to the grey sofa instead|sofa|Which colour did we choose for the couch?
Cleaning rota: Thursdays, that is decided|From now on the cleaning rota is on Mondays, everyone voted for it|cleaning rota|On which weekday do we clean?
Internet: we take the contract of Fibernet|We leave Fibernet, the internet contract goes to Wavelink, all agreed|internet|Which provider are we with?
The film night starts at eight, agreed|Film night starts at seven from now on, eight was too late for most|film night|At what hour do we begin to watch films?
The book club reads The Leopard next, that was the vote|Nobody finds The Leopard, so the book club takes The Magic Mountain|book club|Which novel did the readers pick?
Rent goes to the shared account on the first, decided|The landlord moved it: rent is due on the fifth, we all signed|rent|By which day must we pay for the flat?
The bikes stay in the cellar, that is the rule now|New rule: the bikes go into the shed, the cellar is too damp|bikes|Where should cycles be parked?
Fine, the dog walker is Mister Osei|Mister Osei moved away, Misses Lind is the dog walker now|dog walker|Who takes the dogs out for us?
The choir rehearses Bach this season, that is fixed|Bach was too hard, the choir rehearses Brahms instead|choir|Whose music do the singers practise?
The washing machine is repaired by Kaiser and sons, we ordered them|Kaiser and sons never came, we ordered Quickfix for the washing machine|washing machine|Which firm mends our laundry appliance?
The holiday is in Slovenia, tickets follow|Too expensive: the holiday goes to Denmark, everyone is in|holiday|To which country do we travel together?
Heating comes on in October, we said|Heating comes on in November only, gas is dear and all agreed|heating|From which month will the flat be warm?
The quiz team is called Wise Owls, done|The quiz team is renamed Slow Snails, owls were taken|quiz team|Under what name do we play at the pub?
Our vegetable box is the one from Hollow Farm|We cancelled Hollow Farm, the vegetable box comes from Bramble Acres|vegetable box|Who delivers our greens?
Wall of the stairway: yellow, settled|The stairway gets painted blue, yellow looked awful on the sample|stairway|What paint do we put up where one climbs to the attic?
Budget for the party band is four hundred, agreed|We raised the budget for the band to six hundred|band|How much may the musicians cost?
The recycling key hangs with the neighbours, remember|The recycling key hangs behind the mirror from today|recycling key|Where do I get what opens the waste bins?
The chess evening is every second Wednesday, noted|The chess evening is every second Friday as of now|chess evening|When are the evenings for board players?
We give Mister Bold a watch for his retirement, decided|We give Mister Bold a telescope instead, the watch was gone|Mister Bold|What present does our retiring neighbour get?
The shared car is the small Fiat, signed today|We swapped the Fiat, the shared car is a Skoda now|shared car|Which vehicle do we have together?
Guests sleep in the study, that was the outcome|Guests sleep in the winter garden, the study is a workplace now|guests|Where do visitors spend the night?
The tomato seedlings go on the balcony, all for it|Too windy up there, the tomato seedlings go into the greenhouse|tomato seedlings|Where do the young tomato plants grow?
The code word for the alarm is changed by Ivo each month|It is Hana who changes the code word for the alarm each month now|alarm|Who is in charge of renewing the security word?
"""
# Who offers what, and what is asked.
_OFFERS = """
I have a pressure washer in my uncle's barn, take it whenever you like|pressure washer|Who can lend us something to clean the terrace with water?
My sister is a notary, she would look at the lease for free|lease|Who knows a legal person for checking the rental agreement?
I can bake the wedding cake, three tiers are no problem|wedding cake|Who volunteered to make the cake for the marriage?
I speak Portuguese, so let me call the tile maker|tile maker|Who offered to phone about the tiles?
Somebody gave me two tickets for the opera that I will not use|opera|Who had opera seats to spare?
I will sew the curtains, I own a machine anyway|curtains|Who promised to make the drapes?
My van is free on weekends if anything must be hauled|van|Whose van may we use for transport?
I used to be a lifeguard, I can watch the kids at the lake|lake|Who can mind the children while they swim?
I still own the projector from my old school|projector|Who has a device for showing films on the wall?
Let me do the tax form of the club, I like numbers|tax form|Who takes care of our club's taxes?
I have been growing sourdough since spring, ask me for a jar|sourdough|From whom can I get a starter for bread?
I will drive grandma Olga to her surgery|surgery|Who brings grandma Olga to the hospital?
My ladder reaches the third floor|ladder|Who has something to climb up to the high windows?
I can lend my accordion for the street fair|accordion|Who lends a musical instrument for the street fair?
I volunteer to keep the bees over winter|bees|Who looks after the hives in the cold season?
I could translate the letter from the Finnish embassy|embassy|Who understands what the Finns wrote us?
I will paint the sign over the door, with gold letters|sign|Who makes the lettering at the entrance?
I found the lost hamster behind the fridge|hamster|Who discovered the missing rodent?
My cousin gets us concrete at half price|concrete|Who has a relative with cheap building material?
I broke the blue teapot, sorry, I will replace it|teapot|Who is to blame for the smashed teapot?
"""
# What happened to somebody on some day; the question has {name}.
_EVENTS = """
Signed the papers, the motorbike belongs to somebody else now|motorbike|When did {name} sell the motorbike?
I passed the sailing exam this morning!|sailing|When did {name} become a licensed sailor?
The doctor took the cast off my wrist, finally|wrist|When was {name}'s arm freed of plaster?
My niece was born last night, four kilos|niece|When did {name} become an uncle or aunt?
First day at the aquarium, I am so nervous|aquarium|When did {name} begin the new job with the fish?
Handed in my thesis about moss just now|thesis|When did {name} finish the dissertation?
Our cat Biscuit died in the night|Biscuit|On what date did {name} lose the pet Biscuit?
I ran my first marathon, four hours ten|marathon|When did {name} do the long race?
They stole my laptop on the tram|laptop|When was {name} robbed of a computer?
I got the visa for Canada|visa|When was {name} allowed to enter Canada?
Gave blood for the tenth time, they gave me a pin|blood|When did {name} donate blood?
My piano arrived, four men carried it|piano|When did {name} get the big instrument delivered?
We got engaged on the pier!|pier|When did {name} get engaged?
My driving licence is gone for a month, I was too fast|driving licence|When did {name} lose the right to drive?
I quit smoking today, hold me to it|smoking|When did {name} give up cigarettes?
My balcony caught fire, nothing bad|balcony|When were there flames at {name}'s place?
The judge decided for me, the inheritance is settled|inheritance|When did {name} win in court?
Planted the walnut tree for my father|walnut tree|When did {name} put a tree in the ground?
I met the mayor and shook hands|mayor|When did {name} encounter the head of the town?
My first poem was printed in the gazette|gazette|When was something by {name} published?
"""
# An occasion, two excuses, and the question.
_ABSENCES = """
barbecue|I have to skip the barbecue, night shift|Count me out of the barbecue, my parents visit|Who was unable to attend the barbecue?
house meeting|Won't make it to the house meeting, dentist|I can't be at the house meeting, exam the next day|Who was missing at the house meeting?
regatta|No regatta for me, my knee is swollen|I'm not coming to the regatta, I get seasick|Who stays away from the regatta?
lantern walk|I must pass on the lantern walk, fever|The lantern walk is without me, I work late|Who did not join the lantern walk?
vernissage|Sadly I'm away during the vernissage|I won't see the vernissage, train strike|Who could not go to the art opening?
harvest dinner|Leave my plate off at the harvest dinner, I'm in Oslo|I can't do harvest dinner, babysitting|Who is absent from the harvest meal?
flea market|I'll be gone when the flea market is on|Flea market without me, I'm at a funeral|Who misses the flea market?
darts final|Sorry team, I can't throw in the darts final|I'm out for the darts final, tendon|Who did not play in the last darts match?
fire drill|I was not there for the fire drill, I slept|Skipped the fire drill, I was at the vet|Who did not take part in the fire exercise?
apple picking|Can't join apple picking, allergic to wasps|I'll be in Rome during apple picking|Who does not come along to pick apples?
ceilidh|I am not at the ceilidh, my shoes are broken|No ceilidh for me, I move house that day|Who does not dance at the ceilidh?
night hike|The night hike must do without me, I fear the dark|I'm not on the night hike, back pain|Who refused to walk at night?
seed swap|I have no time for the seed swap|Won't be at the seed swap, my shift was moved|Who is not at the exchange of seeds?
stargazing|I can't come stargazing, eye operation|Stargazing is off for me, I have guests|Who cannot look at the stars with us?
pottery class|Dropping out of the pottery class this week|I won't be in pottery class, the kiln scares me|Who stays off the ceramics course?
rooftop concert|I'll miss the rooftop concert, choir practice|Not going to the rooftop concert, vertigo|Who wasn't at the concert on the roof?
"""
# What the two of one name say of one thing, what it is, and the question.
_NAMESAKES = """
For the mural I want whales|I would rather see mountains on the mural|mural|Which Alex would like sea animals on the painted wall?
I think we should sell the trampoline|The trampoline must stay, my kids love it|trampoline|What does each Alex want to do with the trampoline?
My birthday is on the third of December|Mine is in May, so my birthday was long ago|birthday|When is the birthday of each Alex?
I am vegan, so no goulash for me|I eat goulash twice a week|goulash|Does Alex eat goulash or not?
I work at the ferry office|The ferry? I am scared of water, I work in a bank|ferry|Which Alex has a job with boats?
I have two sons in the judo club|No children here, but I train the judo club|judo club|Which Alex is a parent of judo pupils?
I voted against the parking lot|I am in favour of the parking lot|parking lot|How did the two people called Alex vote on parking?
I play bass in the cover group|In the cover group I am at the drums|cover group|Which instrument does Alex play in the group?
My room is the one facing the brewery|Mine faces the rail yard, not the brewery|brewery|Which Alex lives with a view of the beer makers?
I lost my ring in the sauna|I found a ring in the sauna, whose is it|sauna|Which Alex lost jewellery while sweating?
I'm learning Welsh this autumn|Welsh was too hard, I gave it up|Welsh|Which Alex studies the language of Wales?
I take the early shift at the shelter|At the shelter I have the late shift|shelter|Which shift has Alex at the animal home?
I owe the kitty thirty euros|The kitty owes me twelve euros|kitty|Which Alex is in debt with our common purse?
My tent has room for six at the festival|I sleep in the van at the festival|festival|How does each Alex spend the nights at the festival?
I am for getting hens|Hens are too loud, I am against|hens|Which Alex is opposed to poultry?
I'd name the boat Gudrun|The boat should be named Sputnik|boat|Which names did Alex propose for the vessel?
My gym is on Mill Street|I go to the gym at the harbour|gym|Where does each Alex exercise?
I had the flu shot and fainted|I skip the flu shot this year|flu shot|Which Alex got vaccinated?
I can bring the canoe on my roof rack|I have no roof rack, but I own a canoe|canoe|Which Alex can carry the canoe by car?
I'm moving out in January|I'm here till summer, no moving for me|moving|Which Alex leaves the house in winter?
"""
_BOUGHT = (
    "a kayak\na violin\na bonsai\na moped\na tapestry\na typewriter\na drone\na hammock\n"
    "a globe\na wok\na kimono\na fountain pen\na microscope\na skateboard\na samovar\n"
    "a sundial\na ukulele\na loom\na harpoon\na rocking horse"
)
_ABOUT = (
    "Has anybody thought about the {about} lately?",
    "Somebody left a leaflet about the {about} on the table",
    "I dreamt of the {about} last night, no idea why",
    "People talk too much about the {about} if you ask me",
    "Can we speak about the {about} another time?",
    "My colleagues laughed when I told them of our {about}",
)
_AFTER = ("ok!", "good to know", "noted, thanks", "oh", "I see", "fine with me", "haha", "really?", "👍")
_CHATTER = (
    "the {food} at {shop} was {taste} today",
    "anyone up for {food} tonight?",
    "I'm at {shop}, need anything?",
    "my {thing} is {state} again",
    "has someone seen my {thing}?",
    "it rains in {town} and my {thing} is {state}",
    "the train to {town} was {late} minutes late",
    "my boss sent me to {town} with a {state} {thing}",
    "I watched a documentary about {town} yesterday",
    "who left {food} in the fridge?",
    "good morning, coffee is ready",
    "I need {late} more minutes, sorry",
    "{food} with {food2}, don't judge me",
    "shall I bring {food} from {shop} on Friday?",
    "lol, that {thing} looks {state}",
    "I could not sleep, the {thing} made noises",
    "my aunt from {town} says hello, she liked the {food}",
    "today I walked {late} kilometres and had {taste} {food}",
)
_SLOTS = {
    "food": "noodles dumplings pancakes lentils waffles gnocchi falafel porridge risotto pickles".split(),
    "food2": "mustard jam cinnamon yoghurt vinegar honey".split(),
    "shop": "Miller's;the corner shop;the market;the bakery;the kiosk;Lidl".split(";"),
    "taste": "great awful salty bland spicy perfect".split(),
    "thing": "umbrella charger phone backpack kettle lamp chair scarf headset radio toaster".split(),
    "state": "broken wet gone squeaky dusty sticky".split(),
    "town": "Utrecht Leeds Malaga Turku Graz Gdansk Bruges".split(),
    "late": [str(n) for n in range(4, 30)],
}
HOUSE = Tables(
    names={"alex-north": "Alex", "alex-south": "Alex"}
    | {name.lower(): name for name in "Bea Carlos Dana Emre Farah Goran Hana Ivo Jun Kiri".split()},
    places=("hall", "kitchen", "garden"),
    changes=rows(_CHANGES),
    offers=rows(_OFFERS),
    events=rows(_EVENTS),
    absences=rows(_ABSENCES),
    namesakes=rows(_NAMESAKES),
    bought=_BOUGHT.splitlines(),
    buying=(
        "guess what, {thing} followed me home from the auction",
        "auction",
        "What did {name} buy on {day}?",
    ),
    about=_ABOUT,
    after=_AFTER,
    chatter=filled(_CHATTER, _SLOTS),
)
