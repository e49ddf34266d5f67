-- The table may be older than this service and holds the platform's streams: it stays.
SELECT 1;
