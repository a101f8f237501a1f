"""English words whose forms share no stem: verbs (grew, paid) and nouns (children), by their base.

A question asks in one form (*how much did it pay*), a report tells in another (*paid*). Forms that
are words of their own as well (found, left, saw, ground, lay) are left out.
"""

from __future__ import annotations

__all__ = ["base_of"]

_FORMS = """
arise arose arisen
awake awoke
bear born borne
beat beaten
become became
begin began begun
bend bent
bite bit bitten
bleed bled
blow blew blown
break broke broken
breed bred
bring brought
build built
buy bought
catch caught
choose chose chosen
cling clung
come came
creep crept
deal dealt
dig dug
draw drew drawn
drink drank drunk
drive drove driven
eat ate eaten
fall fell fallen
feed fed
fight fought
flee fled
fly flew flown
forbid forbade forbidden
forget forgot forgotten
freeze froze frozen
get got gotten
give gave given
go went gone
grow grew grown
hang hung
hear heard
hide hid hidden
hold held
keep kept
know knew known
lead led
learn learnt
lend lent
lose lost
make made
mean meant
meet met
pay paid
prove proven
ride rode ridden
ring rang rung
rise rose risen
run ran
say said
seek sought
sell sold
send sent
shake shook shaken
shine shone
shoot shot
show shown
shrink shrank shrunk
sing sang sung
sink sank sunk
sit sat
sleep slept
slide slid
speak spoke spoken
spend spent
spin spun
stand stood
steal stole stolen
stick stuck
strike struck stricken
swear swore sworn
sweep swept
swim swam swum
swing swung
take took taken
teach taught
tear torn
tell told
think thought
throw threw thrown
understand understood
undertake undertook undertaken
wake woke woken
wear wore worn
win won
withdraw withdrew withdrawn
write wrote written
child children
foot feet
goose geese
man men
mouse mice
ox oxen
person people
tooth teeth
woman women
wife wives
life lives
knife knives
leaf leaves
half halves
shelf shelves
wolf wolves
"""

_BASES = {
    form: base for base, *forms in map(str.split, _FORMS.strip().splitlines()) for form in forms
}


def base_of(word: str) -> str:
    """The base of a folded word: grow for grew. Any other word is its own."""
    return _BASES.get(word, word)
