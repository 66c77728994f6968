"""The reports of a bureau: what a template asks and says, what it is drawn as, and which edition was issued."""
