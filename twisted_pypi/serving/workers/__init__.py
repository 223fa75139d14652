"""The other processes of a server: started, replaced and ended by the first one, the keeper.

They inherit its listening sockets and a little memory.  Between them there is
one pipe each for words of the keeper, at whose end a worker finds that the keeper is
gone, and one for what the worker has to say to the log.  Nobody waits for an answer.
"""
