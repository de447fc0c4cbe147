"""Pages on this machine: behind a token, without a network, readable by keyboard. ``wolfnote review`` serves the first of them.

access.py        who may see them: a key a run, a token a person, a cookie
policy.py        what they may do: the content-security policy and its company
pages.py         templates, escaped
site.py          the app: sections mounted behind the door, one layout
server.py        the socket, the links, the end
review.py        the review page over ``audit.review``; conversation.py: a row as turns and blocks
static/          one style, one small script a page, no build step
"""
