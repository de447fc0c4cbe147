"""Serve the tuned model on a leash: the base in parallel, a small share, every answer watched, back by itself.

pure, without clock or socket
  assignment · exposure · controller · evidence/ · folding · log · replay · settings · summary
on the request's path
  gateway (the app) · keys · headers · asking · exchange · proxy · relay · sse · dialect · upstream
beside it
  watching · shadow · rounds (sentinels) · judging (judge, rules, rubric, projection, features, worker) · experiment · store/
for people
  configuration · running · service · admin · control · metrics · journal · webhooks · redaction · reading

``gateway`` in a ``service.Service`` is the ASGI app; ``running.serve`` is what ``wolfnote canary serve`` calls.
"""
