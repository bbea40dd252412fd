-- Where a picture lies in its job's one object of the bucket.
ALTER TABLE job_images ADD COLUMN at INTEGER;
ALTER TABLE job_images ADD COLUMN bytes INTEGER;
