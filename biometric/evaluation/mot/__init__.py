"""Multiple-object tracking (MOT): how well the people found in a clip agree with people labelled in it.

Labels are read as MOTChallenge writes them. Scores come from TrackEval; how often somebody is counted twice, and who is
joined with whom, is counted here.
"""
