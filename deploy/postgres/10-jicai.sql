-- Once, by the superuser, when the database is made: the role that owns it and logs in.
-- It is no superuser. It makes the services' roles itself (`jicai migrate`) and works under them.
\getenv password JICAI_DATABASE_PASSWORD
CREATE ROLE jicai LOGIN CREATEROLE PASSWORD :'password';
-- To see how old other users' transactions are: they hold the readers of the logs up.
GRANT pg_read_all_stats TO jicai;
CREATE DATABASE jicai OWNER jicai;
