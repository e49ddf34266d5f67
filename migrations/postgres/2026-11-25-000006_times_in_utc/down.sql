-- The defaults stay: they give the times that the columns are documented to have. The functions go with what they serve.
SELECT 1;
