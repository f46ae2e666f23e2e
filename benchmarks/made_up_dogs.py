"""The third room: a team of rescue dogs and their people. It was written when the search was done, and asked once.

Its talk between is of sentences put together from many parts, of which few are alike.
"""

# ruff: noqa: E501 (a row of a table is a line)

from __future__ import annotations

from benchmarks.made_up_room import Tables, filled, rows

# What was decided first, what later, what it is about, the question, and what somebody asked just before the second.
_CHANGES = """
Winter training is in the quarry, the mayor signed|The quarry is closed for blasting, winter training is in the old tank barracks|winter training|On what grounds do we exercise in the cold months?
We buy orange vests, hands were counted|Orange looks like the road workers, so we order vests in lime|vests|Which colour do our jackets get?
Henrik leads the team for two more years|Henrik got a post in Narvik, Paula leads the team from Monday|team leader|Who is in command of us?|And who takes over when Henrik moves?
The pager test is at noon on Fridays|Too many of us are in canteens at noon, the pager test moves to half past nine on Tuesdays|pager test|When do our alarm receivers beep for a check?
Fodder comes from Kessler, we got a discount|Kessler raised the price, we get the fodder from Nordpaw|fodder|Which supplier feeds our animals?
The summer camp is by the lake of Orta|Orta is fully booked, so we pitch the summer camp in the Jura|summer camp|Where do we stay in tents in July?
New members pay forty a year, agreed|The treasurer did the sums again, new members pay sixty a year|membership|How high is the fee for beginners?
Puppies may begin at eight months|After the thing with Juno's hip puppies begin at twelve months|puppies|At what age can a young dog start with us?
We take the blue bus to missions|The blue bus failed inspection, to missions we take the fire brigade's Iveco|bus|What do we drive to an emergency in?
The exam is judged by Mrs Tanner|Mrs Tanner broke her leg, Mr Okafor judges the exam|exam|Who decides whether we pass?|Who steps in for Mrs Tanner?
The money from the raffle buys a thermal camera|The camera was donated by the bank, the raffle pays for a drone|raffle|What do we spend the lottery's proceeds on?
Radios are charged in the church tower|The priest wants his socket back, radios are charged at the dairy|radios|Where do the walkie-talkies get their power?
On the trail we call "zoek"|"Zoek" confuses the Belgian dogs, on the trail we call "avanti"|command|What word sends a dog off to search?
The open day is on Whit Monday|Rain is forecast all over Whitsun, the open day is postponed to the last Sunday in June|open day|Which date was set for showing the public what we do?
"""
# Who offers what, what it is about, the question, and what somebody asked just before.
_OFFERS = """
My neighbour is a vet and would look at his paw tonight|paw|Who knows an animal doctor?
I could sit in the rubble for you, I don't mind the dark|rubble|Who volunteers to be buried as a victim?
There's a trailer with a ramp behind my barn, just bring it back clean|trailer|Who lends something for transporting the animals?
Me. I used to fly helicopters, so I can read those charts|charts|Who understands aviation maps?|Can anybody here read the pilots' charts?
I'll knit booties for all of them, send me the sizes|booties|Who makes footwear for the dogs?
I still owe the club forty euros for the tombola|tombola|Who is in debt with the association?
My daughter draws comics, she would do us a logo|logo|Whose child designs our emblem?
Sorry, that was my Fritz, he ate the whole cake|cake|Whose dog devoured the dessert?|Who on earth ate the cake for the jubilee?
I have Polish from my mother, let me ring the breeder|breeder|Who telephones with the people in Poland?
I hold on to the key of the kennel till you are back|kennel|Who can unlock the dog house?
"""
# What happened to somebody on some day; the question has {name}.
_EVENTS = """
Bruno found the lost hiker, alive, I am still shaking|hiker|When did {name} and the dog rescue a person?
We had to let old Wanda go, she sleeps under the pear tree now|Wanda|When did {name}'s dog die?
They fitted me with a pacemaker, all is well|pacemaker|When did {name} get an implant for the heart?
I'm a foreman now, with my own office|foreman|When was {name} promoted?
Six pups and all of them are drinking!|pups|When was there a litter at {name}'s?
My divorce is through|divorce|When did {name}'s marriage end officially?
A wasp got me in the tongue, they kept me in hospital|wasp|When was {name} stung?
I passed the climbing test at last|climbing|When did {name} get certified for the ropes?
My roof was torn off by the storm|roof|When did wind destroy part of {name}'s house?
I ran out of petrol in the tunnel, how embarrassing|tunnel|When did {name} get stuck for lack of fuel?
"""
# An occasion, two excuses, and the question.
_ABSENCES = """
night search|No night search for me, my lamp is broken and so am I|I have to be at the airport, so I drop out of the night search|Who did not take part in looking for people in the dark?
first aid course|The first aid course collides with my confirmation class|I can't do the first aid course, I am snowed in|Who was not at the lesson on treating injuries?
avalanche drill|I sit out the avalanche drill, Nala is in heat|Leave me off the avalanche drill, my mother falls ill each time|Who stayed away from the exercise in the snow?
Christmas dinner|I eat with my in-laws, so no Christmas dinner|The Christmas dinner has to go on without me, bronchitis|Who did not come to the festive meal?
helicopter day|I get dizzy, so helicopter day is not for me|I'm at a funeral on helicopter day|Who did not fly with us?
team meeting|I'm excused from the team meeting, twins have chickenpox|Can't get a train to the team meeting|Who was missing when we all conferred?
parade|My uniform doesn't fit, I skip the parade|I'm not marching in the parade, blisters|Who does not walk through town with us?
water rescue|Rocky hates water rescue, we stay home|I pass on water rescue, my ear is infected|Who refuses the training at the river?
"""
# What the two of one name say of one thing, what it is, and the question.
_NAMESAKES = """
I'd never clip a poodle for work|I clip my poodle every month|poodle|Which Mia trims the curly dog?
My dog tracks by day only|Mine tracks best after midnight|tracking|Which Mia has a dog that works at night?
I commute from the island|I rent the flat above the bakery|commute|Where does each Mia live?
I'm afraid of heights on the tower|I love abseiling from the tower|tower|Which Mia likes going down on a rope?
I'm a dentist, ask me about the muzzle|I sell muzzles in my shop|muzzle|Which Mia is in retail?
I had a concussion at the obstacle course|I hold the record at the obstacle course|obstacle course|Which Mia hurt her head?
I am against hiring a trainer|I'd pay a trainer from my own pocket|trainer|Which Mia wants a professional instructor?
I keep the logbook in red|My logbook got wet and is gone|logbook|Which Mia lost the notes?
I come from Lisbon, so snow is new to me|I grew up in the snow, up in Kiruna|snow|Which Mia is used to the cold?
I've two Labradors|My Labrador went to a shepherd in May|Labrador|Which Mia gave the dog away?
"""
_BOUGHT = "a harp\na snowmobile\na beehive\na trombone\na camera obscura\na rowing machine\na parrot\na pottery wheel\na caravan\na fur hat"
_ABOUT = (
    "I lie awake because of the {about}",
    "is there anything new with the {about}?",
    "we could fill a book with the {about}",
    "the {about}, oh dear",
    "my son wants to know all about the {about}",
    "they asked me on the radio what's up with the {about}",
    "let somebody else worry about the {about}",
)
_AFTER = ("well done", "uff", "thumbs up", "okay then", "hm", "you don't say", "brilliant", "copied", "🐾")
_FORMS = (
    "{who} {did} {what} {where}",
    "{when} {who} {did} {what}, {end}",
    "{who} {did} {what}, {end}",
    "{feeling}: {what} {where}",
    "can you believe it, {who} {did} {what} {when}",
    "{what} again {where}, {feeling}",
    "{when} I thought of {what} {where}",
    "{feeling}, {who} {did} {what} {where} {when}",
    "does {who} know that there's {what} {where}?",
    "so {who} {did} {what}? {end}",
    "not {what}! {end}",
    "I'd rather have {what} than {what2}",
)
_SLOTS = {
    "who": "my uncle;the postwoman;a colleague;our plumber;the cashier;my landlady;a cyclist;the piano teacher;my cousin Ole;the ticket inspector;some tourist;the twins next door;the choirmaster;a fisherman;the weather man;grandma".split(
        ";"
    ),
    "did": "dropped;painted;found;hid;mended;forgot;photographed;stole;sold;washed;ordered;wrapped;kicked;weighed;praised;mixed up".split(
        ";"
    ),
    "what": "a bucket of plums;the wrong suitcase;a brass lamp;three umbrellas;a jigsaw puzzle;the neighbour's scooter;a wedding hat;a box of nails;the coffee machine;a plaster flamingo;an old atlas;a jar of gherkins;the garden hose;a bag of marbles;a broken violin case;somebody's dentures;a rubber dinghy;the school bell".split(
        ";"
    ),
    "what2": "a cold;another Monday;wet socks;an ironing board;nothing;cabbage soup;a lecture;the tax office;a flat tyre".split(
        ";"
    ),
    "where": "at the tram stop;in the laundry;on the ferry;behind the town hall;at the swimming pool;in the lift;under the bridge;at the barber's;on the landing;by the fountain;in the car park;at the cheese counter;on platform two;in the attic".split(
        ";"
    ),
    "when": "this morning;last night;after lunch;during the news;on the way here;before sunrise;in the rain;while I was shaving;just now;at breakfast;between two calls".split(
        ";"
    ),
    "end": "and I missed it;so I'm late;I need a nap;who pays for that?;that makes three this year;I have a photo;don't ask me why;life is odd;pass the sugar;serves him right;I nearly cried;what would you have done?;my glasses are still there;we all applauded".split(
        ";"
    ),
    "feeling": "how lovely;what a mess;I'm speechless;typical me;finally some luck;I could scream;that's village life;no kidding;my nerves;small mercies".split(
        ";"
    ),
}
DOGS = Tables(
    names={"mia-hill": "Mia", "mia-shore": "Mia"}
    | {name.lower(): name for name in "Henrik Paula Ruben Salma Gustav Ewa Tomas Leila Bjorn Carla".split()},
    places=("kennel", "van"),
    changes=rows(_CHANGES),
    offers=rows(_OFFERS),
    events=rows(_EVENTS),
    absences=rows(_ABSENCES),
    namesakes=rows(_NAMESAKES),
    bought=_BOUGHT.splitlines(),
    buying=("the bazaar was worth it, I own {thing}", "bazaar", "What did {name} acquire on {day}?"),
    about=_ABOUT,
    after=_AFTER,
    chatter=filled(_FORMS, _SLOTS),
)
