-- View: the merchants, and the time zone of their business days.
select distinct tenant, account as merchant, currency, time_zone
from accounts
where change = 'AccountOpened' and account_type = 'merchant'
