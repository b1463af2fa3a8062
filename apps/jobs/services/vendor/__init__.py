"""Jobs at vendors elsewhere: the conversation is driven by workers (drive), watched by the poller (poll), ended here (collect, close).

work: a job as its adapter sees it. calls: one call, committed before it is sent. unseen: what to do about an answer that nobody saw.
"""
