/* SPDX-License-Identifier: MIT */
#include "queue/redis_scripts.h"

#include <stdio.h>
#include <stdlib.h>

/* In front of every script. Numbers go to Redis as numbers: Lua's own conversion to text would lose digits.
 */
static const char prelude[] = "\
local P = KEYS[1]\n\
local call = redis.call\n\
local function K(name) return P .. name end\n\
local function max_events()\n\
  local n = call('HGET', K'meta', 'opts.maxLenEvents')\n\
  if not n then n = '10000'; call('HSET', K'meta', 'opts.maxLenEvents', n) end\n\
  return n\n\
end\n\
local function event(...) call('XADD', K'events', 'MAXLEN', '~', max_events(), '*', 'event', ...) end\n\
local function event_all(...) call('XADD', K'events', '*', 'event', ...) end\n\
local function is_paused() return call('HEXISTS', K'meta', 'paused') == 1 end\n\
local function is_maxed()\n\
  local n = tonumber(call('HGET', K'meta', 'concurrency') or nil)\n\
  return n ~= nil and n > 0 and call('LLEN', K'active') >= n\n\
end\n\
local function wake()\n\
  if not is_paused() and not is_maxed() then call('ZADD', K'marker', 0, '0') end\n\
end\n\
local function wait_list() if is_paused() then return K'paused' end return K'wait' end\n\
local function push(id, priority, front)\n\
  if priority > 0 then\n\
    local n = 0\n\
    if not front then n = call('INCR', K'pc') % 4294967296 end\n\
    call('ZADD', K'prioritized', priority * 4294967296 + n, id)\n\
  elseif front then call('RPUSH', wait_list(), id)\n\
  else call('LPUSH', wait_list(), id) end\n\
end\n\
local function priority_of(id) return tonumber(call('HGET', K(id), 'priority') or nil) or 0 end\n\
local function first_delayed()\n\
  local first = call('ZRANGE', K'delayed', 0, 0, 'WITHSCORES')\n\
  if first[2] then return tonumber(first[2]) / 4096 end\n\
  return 0\n\
end\n\
local function put_off(id, due)\n\
  local base = due * 4096\n\
  local last = call('ZREVRANGEBYSCORE', K'delayed', base + 4095, base, 'WITHSCORES', 'LIMIT', 0, 1)\n\
  local score = base\n\
  if last[2] then score = math.min(tonumber(last[2]) + 1, base + 4095) end\n\
  call('ZADD', K'delayed', score, id)\n\
  call('ZADD', K'marker', first_delayed(), '1')\n\
end\n\
local function promote(now)\n\
  local ids = call('ZRANGEBYSCORE', K'delayed', 0, (now + 1) * 4096 - 1, 'LIMIT', 0, 1000)\n\
  for _, id in ipairs(ids) do\n\
    call('ZREM', K'delayed', id)\n\
    push(id, priority_of(id), false)\n\
    event('waiting', 'jobId', id, 'prev', 'delayed')\n\
    call('HSET', K(id), 'delay', 0)\n\
  end\n\
  if #ids > 0 then wake() end\n\
end\n\
local function forget(id)\n\
  local k = K(id)\n\
  call('DEL', k, k .. ':logs', k .. ':dependencies', k .. ':processed', k .. ':failed', k .. ':unsuccessful')\n\
end\n\
local function leave_active(id, token)\n\
  if call('EXISTS', K(id)) == 0 then return -1 end\n\
  local lock = call('GET', K(id) .. ':lock')\n\
  if not lock then return -2 end\n\
  if lock ~= token then return -6 end\n\
  call('DEL', K(id) .. ':lock')\n\
  call('SREM', K'stalled', id)\n\
  if call('LREM', K'active', -1, id) == 0 then return -3 end\n\
  return 0\n\
end\n\
local function is_job(id)\n\
  return call('TYPE', K(id)).ok == 'hash' and call('HEXISTS', K(id), 'timestamp') == 1\n\
end\n\
local function has_ended(id)\n\
  if call('ZSCORE', K'completed', id) then return 'completed' end\n\
  if call('ZSCORE', K'failed', id) then return 'failed' end\n\
  return nil\n\
end\n\
local function release_dedup(id)\n\
  local name = call('HGET', K(id), 'deid')\n\
  if not name or name == '' then return end\n\
  local key = K'de:' .. name\n\
  local ttl = call('PTTL', key)\n\
  if ttl == 0 or (ttl == -1 and call('GET', key) == id) then call('DEL', key) end\n\
end\n\
local function give_back(id)\n\
  call('HINCRBY', K(id), 'ats', -1)\n\
  push(id, priority_of(id), true)\n\
  wake()\n\
  event('waiting', 'jobId', id, 'prev', 'active')\n\
end\n";

/* cc:held:<owner> has the ids of the owner's jobs, the oldest first, and with them some that wait no longer:
 * those are taken off the front when room is needed, so it is never longer than the share, whoever runs the
 * jobs. A week after the last submit it is gone. */
static const char add[] = "\
local id, max, share = ARGV[1], tonumber(ARGV[6]), tonumber(ARGV[8])\n\
local held = K'cc:held:' .. ARGV[7]\n\
local function is_over()\n\
  while share > 0 and call('LLEN', held) >= share do\n\
    local job = call('HMGET', K(call('LINDEX', held, 0)), 'timestamp', 'processedOn', 'finishedOn')\n\
    if job[1] and not job[2] and not job[3] then return true end\n\
    call('LPOP', held)\n\
  end\n\
  return false\n\
end\n\
if call('EXISTS', K(id)) == 0 and max > 0 and call('LLEN', K'wait') + call('LLEN', K'paused') +\n\
    call('ZCARD', K'prioritized') + call('ZCARD', K'delayed') >= max then return -1 end\n\
if call('EXISTS', K(id)) == 0 and is_over() then return -2 end\n\
call('INCR', K'id')\n\
max_events()\n\
if call('EXISTS', K(id)) == 1 then event('duplicated', 'jobId', id) return 0 end\n\
call('HSET', K(id), 'name', ARGV[2], 'data', ARGV[3], 'opts', ARGV[4], 'timestamp', ARGV[5], 'delay', 0,\n\
  'priority', 0)\n\
event_all('added', 'jobId', id, 'name', ARGV[2])\n\
push(id, 0, false)\n\
if share > 0 then\n\
  call('RPUSH', held, id)\n\
  call('PEXPIRE', held, 604800000)\n\
end\n\
wake()\n\
event('waiting', 'jobId', id)\n\
return 1\n";

static const char fetch[] = "\
local now = tonumber(ARGV[1])\n\
promote(now)\n\
local limit = call('HMGET', K'meta', 'max', 'duration')\n\
local max = tonumber(limit[1] or nil)\n\
if max and max > 0 and (tonumber(call('GET', K'limiter') or nil) or 0) >= max then\n\
  local ttl = call('PTTL', K'limiter')\n\
  if ttl > 0 then return {2, ttl} end\n\
  if ttl == 0 then call('DEL', K'limiter') end\n\
end\n\
if is_paused() or is_maxed() then return {0, '0'} end\n\
local id\n\
while true do\n\
  id = call('RPOPLPUSH', K'wait', K'active')\n\
  if not id then\n\
    local first = call('ZPOPMIN', K'prioritized')\n\
    if first[1] then\n\
      id = first[1]\n\
      call('LPUSH', K'active', id)\n\
    else\n\
      call('DEL', K'pc')\n\
      return {0, string.format('%.0f', first_delayed())}\n\
    end\n\
  end\n\
  if call('EXISTS', K(id)) == 1 and string.sub(id, 1, 2) ~= '0:' then break end\n\
  call('LREM', K'active', 1, id)\n\
end\n\
if max and max > 0 and call('INCR', K'limiter') == 1 then\n\
  call('PEXPIRE', K'limiter', tonumber(limit[2] or nil) or 1000)\n\
end\n\
call('SET', K(id) .. ':lock', ARGV[2], 'PX', ARGV[3])\n\
event('active', 'jobId', id, 'prev', 'waiting')\n\
call('HSET', K(id), 'processedOn', ARGV[1], 'pb', ARGV[4])\n\
call('HINCRBY', K(id), 'ats', 1)\n\
wake()\n\
return {1, id, call('HGETALL', K(id))}\n";

static const char finish[] = "\
local id, now, state, value = ARGV[1], tonumber(ARGV[3]), ARGV[4], ARGV[5]\n\
local left = leave_active(id, ARGV[2])\n\
if left < 0 then return left end\n\
local count, age, most = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])\n\
call('XTRIM', K'events', 'MAXLEN', '~', max_events())\n\
release_dedup(id)\n\
local made = call('HINCRBY', K(id), 'atm', 1)\n\
local field = 'returnvalue'\n\
if state == 'failed' then field = 'failedReason' end\n\
if count == 0 then forget(id)\n\
else\n\
  call('ZADD', K(state), now, id)\n\
  call('HSET', K(id), field, value, 'finishedOn', now)\n\
  if state == 'failed' then call('HDEL', K(id), 'defa') call('HSET', K(id), 'stacktrace', ARGV[10]) end\n\
  if ARGV[11] ~= '' then call('HSET', K(id), 'cc:result', ARGV[11], 'cc:finished', now) end\n\
  call('HDEL', K(id), 'cc:cancel')\n\
  call('HSET', K(id), 'cc:ended', 1)\n\
  if age >= 0 then\n\
    for _, old in ipairs(call('ZRANGEBYSCORE', K(state), '-inf', now - age * 1000, 'LIMIT', 0, most)) do\n\
      call('ZREM', K(state), old)\n\
      forget(old)\n\
    end\n\
  end\n\
  if count > 0 then\n\
    for _, old in ipairs(call('ZREVRANGE', K(state), count, -1)) do\n\
      call('ZREM', K(state), old)\n\
      forget(old)\n\
    end\n\
  end\n\
end\n\
event_all(state, 'jobId', id, field, value, 'prev', 'active')\n\
if state == 'failed' and made >= tonumber(ARGV[9]) then\n\
  event_all('retries-exhausted', 'jobId', id, 'attemptsMade', made)\n\
end\n\
if call('LLEN', K'wait') == 0 and call('LLEN', K'active') == 0 and call('ZCARD', K'prioritized') == 0 and\n\
    call('ZCARD', K'delayed') == 0 then event_all('drained') end\n\
wake()\n\
return 0\n";

static const char retry[] = "\
local id, now, delay = ARGV[1], tonumber(ARGV[3]), tonumber(ARGV[4])\n\
if delay == 0 then promote(now) end\n\
local left = leave_active(id, ARGV[2])\n\
if left < 0 then return left end\n\
call('HSET', K(id), 'failedReason', ARGV[5], 'stacktrace', ARGV[6])\n\
call('HINCRBY', K(id), 'atm', 1)\n\
if delay == 0 then\n\
  push(id, priority_of(id), ARGV[7] == '1')\n\
  wake()\n\
  event('waiting', 'jobId', id, 'prev', 'active')\n\
else\n\
  call('HSET', K(id), 'delay', delay)\n\
  put_off(id, now + delay)\n\
  event('delayed', 'jobId', id, 'delay', now + delay)\n\
  wake()\n\
end\n\
return 0\n";

static const char give_back[] = "\
local id, now, delay = ARGV[1], tonumber(ARGV[3]), tonumber(ARGV[4])\n\
local left = leave_active(id, ARGV[2])\n\
if left < 0 then return left end\n\
if delay == 0 then give_back(id)\n\
else\n\
  call('HINCRBY', K(id), 'ats', -1)\n\
  call('HSET', K(id), 'delay', delay)\n\
  put_off(id, now + delay)\n\
  event('delayed', 'jobId', id, 'delay', now + delay)\n\
end\n\
return 0\n";

static const char renew[] = "\
local answers = {}\n\
for i = 2, #ARGV, 2 do\n\
  local id = ARGV[i]\n\
  if call('GET', K(id) .. ':lock') == ARGV[i + 1] then\n\
    call('SET', K(id) .. ':lock', ARGV[i + 1], 'PX', ARGV[1])\n\
    call('SREM', K'stalled', id)\n\
    answers[#answers + 1] = call('HEXISTS', K(id), 'cc:cancel') * 2\n\
  else answers[#answers + 1] = 1 end\n\
end\n\
return answers\n";

static const char stalled[] = "\
if call('EXISTS', K'stalled-check') == 1 then return 0 end\n\
call('SET', K'stalled-check', ARGV[1], 'PX', ARGV[2])\n\
call('XTRIM', K'events', 'MAXLEN', '~', max_events())\n\
local n = 0\n\
local ids = call('SMEMBERS', K'stalled')\n\
call('DEL', K'stalled')\n\
for _, id in ipairs(ids) do\n\
  if call('EXISTS', K(id) .. ':lock') == 0 and call('LREM', K'active', 1, id) > 0 and\n\
      call('EXISTS', K(id)) == 1 then\n\
    local ok, opts = pcall(cjson.decode, call('HGET', K(id), 'opts') or '')\n\
    local attempts = ok and type(opts) == 'table' and tonumber(opts.attempts) or 1\n\
    local most = tonumber(ARGV[3])\n\
    if call('HINCRBY', K(id), 'stc', 1) >= most or\n\
        tonumber(call('HGET', K(id), 'ats') or nil) >= math.max(attempts, most) then\n\
      call('HSET', K(id), 'defa', 'job stalled more than allowable limit')\n\
    end\n\
    call('RPUSH', wait_list(), id)\n\
    wake()\n\
    event('waiting', 'jobId', id, 'prev', 'active')\n\
    event('stalled', 'jobId', id)\n\
    n = n + 1\n\
  end\n\
end\n\
for _, id in ipairs(call('LRANGE', K'active', 0, -1)) do call('SADD', K'stalled', id) end\n\
return n\n";

static const char withdraw[] = "\
local id, now = ARGV[1], tonumber(ARGV[2])\n\
if call('EXISTS', K(id)) == 0 or call('EXISTS', K(id) .. ':lock') == 1 then return 0 end\n\
if call('LREM', K'wait', 1, id) + call('LREM', K'paused', 1, id) + call('ZREM', K'prioritized', id) +\n\
    call('ZREM', K'delayed', id) == 0 then return 0 end\n\
if ARGV[5] ~= '' then call('LREM', K'cc:held:' .. ARGV[5], 1, id) end\n\
release_dedup(id)\n\
call('ZADD', K'failed', now, id)\n\
call('HSET', K(id), 'failedReason', ARGV[3], 'finishedOn', now, 'cc:result', ARGV[4],\n\
  'cc:finished', now, 'cc:ended', 1)\n\
event_all('failed', 'jobId', id, 'failedReason', ARGV[3], 'prev', 'waiting')\n\
return 1\n";

static const char cancel[] = "\
local id = ARGV[1]\n\
if call('EXISTS', K(id) .. ':lock') == 0 then return 0 end\n\
local worker = call('HGET', K(id), 'pb')\n\
if not worker or string.sub(worker, 1, 3) ~= 'cc-' then return 2 end\n\
call('HSET', K(id), 'cc:cancel', 1)\n\
call('PUBLISH', ARGV[2], id)\n\
return 1\n";

static const char where[] = "\
local id = ARGV[1]\n\
if not is_job(id) then return {'missing', -1, '0', 0} end\n\
local created = call('HGET', K(id), 'timestamp') or '0'\n\
local again = call('HEXISTS', K(id), 'cc:ended')\n\
if has_ended(id) then return {'ended', -1, created, 0} end\n\
if call('EXISTS', K(id) .. ':lock') == 1 then return {'active', -1, created, again} end\n\
local before = call('ZRANK', K'prioritized', id)\n\
if before then return {'wait', call('LLEN', K'wait') + before, created, again} end\n\
if call('ZSCORE', K'delayed', id) then return {'wait', -1, created, again} end\n\
for _, list in ipairs({K'wait', K'paused'}) do\n\
  local at = call('LPOS', list, id, 'RANK', -1, 'MAXLEN', 10000)\n\
  if at then return {'wait', call('LLEN', list) - 1 - at, created, again} end\n\
end\n\
if call('LPOS', K'active', id) then return {'active', -1, created, again} end\n\
return {'wait', -1, created, again}\n";

static const char states[] = "\
local answers = {}\n\
for i, id in ipairs(ARGV) do\n\
  if call('EXISTS', K(id)) == 0 then answers[i] = 'missing'\n\
  elseif has_ended(id) then answers[i] = 'ended'\n\
  else answers[i] = 'there' end\n\
end\n\
return answers\n";

static const char outcome[] = "\
local id = ARGV[1]\n\
local state = has_ended(id)\n\
if not state then return {} end\n\
local f = call('HMGET', K(id), 'returnvalue', 'failedReason', 'timestamp', 'processedOn', 'finishedOn', 'ats',\n\
  'data', 'cc:result')\n\
call('HSET', K(id), 'cc:ended', 1)\n\
local answer = {state}\n\
if f[5] ~= call('HGET', K(id), 'cc:finished') then f[8] = false end\n\
for i = 1, 8 do answer[i + 1] = f[i] or '' end\n\
return answer\n";

static const char begun[] = "call('HDEL', K(ARGV[1]), 'cc:ended') return 0\n";

static const char forget[] = "\
local id = ARGV[1]\n\
local state = has_ended(id)\n\
if not state or call('EXISTS', K(id) .. ':lock') == 1 then return 0 end\n\
call('ZREM', K(state), id)\n\
forget(id)\n\
event('removed', 'jobId', id, 'prev', state)\n\
return 1\n";

static const char counts[] = "\
local n = call('LLEN', K'wait') + call('LLEN', K'paused') + call('ZCARD', K'prioritized') +\n\
  call('ZCARD', K'delayed')\n\
local first = call('LINDEX', K'wait', -1) or call('LINDEX', K'paused', -1) or\n\
  call('ZRANGE', K'prioritized', 0, 0)[1]\n\
local oldest = first and call('HGET', K(first), 'timestamp') or '0'\n\
return {n, call('LLEN', K'active'), oldest}\n";

static const char heartbeat[] = "\
local t = call('TIME')\n\
local now = t[1] * 1000 + math.floor(t[2] / 1000)\n\
for _, id in ipairs(call('ZRANGEBYSCORE', K'cc:workers', '-inf', now - tonumber(ARGV[4]))) do\n\
  call('ZREM', K'cc:workers', id)\n\
  call('HDEL', K'cc:workers:info', id)\n\
end\n\
if ARGV[2] == '0' then\n\
  call('ZREM', K'cc:workers', ARGV[1])\n\
  call('HDEL', K'cc:workers:info', ARGV[1])\n\
else\n\
  call('ZADD', K'cc:workers', now + tonumber(ARGV[2]), ARGV[1])\n\
  call('HSET', K'cc:workers:info', ARGV[1], ARGV[3])\n\
end\n\
return 0\n";

static const char workers[] = "\
local t = call('TIME')\n\
local now = t[1] * 1000 + math.floor(t[2] / 1000)\n\
local found = {}\n\
local ids = call('ZREVRANGEBYSCORE', K'cc:workers', '+inf', now - tonumber(ARGV[1]), 'WITHSCORES', 'LIMIT', 0, 1000)\n\
for i = 1, #ids, 2 do\n\
  local info = call('HGET', K'cc:workers:info', ids[i])\n\
  if info then\n\
    found[#found + 1] = info\n\
    found[#found + 1] = tonumber(ids[i + 1]) - now\n\
  end\n\
end\n\
return found\n";

static const char recover[] = "\
for _, id in ipairs(call('LRANGE', K'active', 0, -1)) do\n\
  if call('GET', K(id) .. ':lock') == ARGV[1] then\n\
    if leave_active(id, ARGV[1]) == 0 then give_back(id) end\n\
    return 1\n\
  end\n\
end\n\
return 0\n";

static const char *const bodies[SCRIPT_COUNT] = {
	[SCRIPT_ADD] = add,	    [SCRIPT_FETCH] = fetch,	    [SCRIPT_FINISH] = finish,
	[SCRIPT_RETRY] = retry,	    [SCRIPT_GIVE_BACK] = give_back, [SCRIPT_RENEW] = renew,
	[SCRIPT_STALLED] = stalled, [SCRIPT_WITHDRAW] = withdraw,   [SCRIPT_CANCEL] = cancel,
	[SCRIPT_WHERE] = where,	    [SCRIPT_STATES] = states,	    [SCRIPT_OUTCOME] = outcome,
	[SCRIPT_FORGET] = forget,   [SCRIPT_COUNTS] = counts,	    [SCRIPT_HEARTBEAT] = heartbeat,
	[SCRIPT_BEGUN] = begun,	    [SCRIPT_WORKERS] = workers,	    [SCRIPT_RECOVER] = recover,
};

const char *redis_script_text(enum redis_script s)
{
	static char *whole[SCRIPT_COUNT];

	if (!whole[s] && asprintf(&whole[s], "%s%s", prelude, bodies[s]) < 0)
		abort();
	return whole[s];
}
