"""Callout (叫应): whoever is on duty at a post is called until somebody answers, by ladder, and all of it is kept."""
