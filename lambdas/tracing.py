"""Subsegments of X-Ray, by Powertools, in functions that nobody waits for.

The API, its authorizer and the copy function go without: the SDK behind it makes a client of X-Ray while it is
imported, which takes as long as all of botocore, and Lambda traces their invocations itself.
"""

from aws_lambda_powertools import Tracer

tracer = Tracer(auto_patch=False)
