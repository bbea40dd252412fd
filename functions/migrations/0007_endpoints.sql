-- Whether any callback still names an endpoint: it is forgotten with the last of them.
DROP INDEX deliveries_by_endpoint;
CREATE INDEX deliveries_by_endpoint ON deliveries (owner, url, state);
