"""Recipes of texts: film reviews, newswires, e-mails and the words in them."""
