-- Times are UTC here as it is: every writer gives them, and SQLite's own clock knows no other.
SELECT 1;
