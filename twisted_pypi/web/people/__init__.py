"""Pages for people: welcome, the list of all files, errors.

Templates are in ``templates/``; nothing is loaded from elsewhere and no page
needs a script, so the policy that goes with each page forbids both.
"""
