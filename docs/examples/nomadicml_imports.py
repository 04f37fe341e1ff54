"""The cloud imports of the NomadicML SDK's guide, against your own deployment.

Runs with either SDK (`pip install nomadicml`, or `pip install nomadic`, which brings the name along). Environment:
CLIPFERRY_URL and CLIPFERRY_KEY; FRONT, LEFT, SECOND, MISSING: URIs of three objects that are there and one that is not;
STORE_URL, STORE_BUCKET, STORE_KEY_ID, STORE_SECRET, STORE_OBJECT: a store that speaks S3 (leave them out to skip it);
HF_BUCKET (`namespace/name`) and HF_TOKEN, likewise.
"""

import os
import time

from nomadicml import NomadicML

client = NomadicML(api_key=os.environ["CLIPFERRY_KEY"], base_url=os.environ["CLIPFERRY_URL"])
FRONT, LEFT, SECOND, MISSING = (os.environ[name] for name in ("FRONT", "LEFT", "SECOND", "MISSING"))


def rows_of(import_job_id: str) -> list[dict]:
    """All rows by cursor."""
    rows, cursor = [], None
    while True:
        page = client.get_import_job_videos(import_job_id, limit=500, cursor=cursor)
        rows += page["videos"]
        if not page["has_more"]:
            return rows
        cursor = page["next_cursor"]


def ended(import_job_id: str) -> list[dict]:
    """The rows once every video that was asked for is there and has its end."""
    while True:
        total = client.get_import_job(import_job_id)["total"]
        rows = rows_of(import_job_id)
        if len({row["video_id"] for row in rows}) >= total and all(row["status"] != "PROCESSING" for row in rows):
            return rows
        time.sleep(1)


def show(title: str, import_job_id: str) -> None:
    print(title)
    for row in ended(import_job_id):
        print(f"  {row['status']} {row['import_source_uri']}")


# One object.
uploaded = client.upload(FRONT)
print(uploaded)
show("one object", uploaded["import_job_id"])

# Several into a folder; what is wrong with one of them shows in its row. Wildcards are not supported.
uploaded = client.upload([SECOND, MISSING, FRONT.rpartition("/")[0] + "/*.mp4"], folder="Guide")
show("a list", uploaded["import_job_id"])
job = client.get_import_job(uploaded["import_job_id"])
print({name: job[name] for name in ("source", "bucket", "folder_name", "total", "status")})

# Multi-view: `front` is needed in every set, the sets of a call are one job, its rows are the fronts.
uploaded = client.upload([{"front": FRONT, "left": LEFT}, {"front": SECOND, "left": MISSING}])
show("two sets", uploaded["import_job_id"])

# A page by offset, and the alias of older scripts.
uploaded = client.upload([FRONT, SECOND])
ended(uploaded["import_job_id"])
page = client.get_import_job_videos(uploaded["import_job_id"], limit=1, offset=1)
print(page["video_count"], page["has_more"], page["videos"][0]["import_source_uri"] == SECOND)
alias = client.get_import_job_uploaded_video_ids(uploaded["import_job_id"])
print(alias["total"], alias["video_count"])

# What is in the folder, and one video after the other.
for video in client.my_videos(folder="Guide"):
    metadata = client.video.get_video_status(video["video_id"])["metadata"]
    print(video["video_name"], video["status"], metadata["visual_analysis"]["status"]["status"])

# Saved access to a store that is not AWS: its address belongs to the integration, URIs stay s3://.
if os.environ.get("STORE_URL"):
    saved = client.cloud_integrations.add(
        type="s3",
        name="my store",
        bucket=os.environ["STORE_BUCKET"],
        endpoint_url=os.environ["STORE_URL"],
        credentials={"access_key_id": os.environ["STORE_KEY_ID"], "secret_access_key": os.environ["STORE_SECRET"]},
    )
    print(saved["type"], saved["bucket"], saved["region"], saved["is_owner"])
    uri = f"s3://{os.environ['STORE_BUCKET']}/{os.environ['STORE_OBJECT']}"
    show("by its bucket", client.upload(uri)["import_job_id"])
    show("by its id", client.upload(uri, integration_id=saved["id"])["import_job_id"])

# Hugging Face: public buckets need no integration.
if os.environ.get("HF_BUCKET"):
    saved = client.cloud_integrations.add_hf_bucket(
        name="my bucket", bucket=os.environ["HF_BUCKET"], token=os.environ["HF_TOKEN"]
    )
    print(saved["type"], saved["id"] in [one["id"] for one in client.cloud_integrations.list(type="hf_bucket")])
