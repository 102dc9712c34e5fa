'use strict';
// A client of the gateway in a browser: a session's WebSocket, and the feed by fetch (EventSource cannot send a token).

const FEED_LINES = 200;
const RETRY_MS = 1000;
const byId = (id) => document.getElementById(id);
let token = '', session = '', socket = null, streaming = null, watching = null;
const seen = new Set(); // effects that were shown: they come again until they are acknowledged

function line(who, text) {
  const p = document.createElement('div');
  p.className = who;
  p.textContent = text;
  byId('talk').append(p);
  p.scrollIntoView();
  return p;
}

function state(text, connected) {
  byId('state').textContent = text;
  for (const input of byId('say').elements) input.disabled = !connected;
}

function onMessage(m) {
  if (m.type === 'ready') {
    state('connected to ' + m.session, true);
  } else if (m.type === 'delta') {
    streaming = streaming || line('delta', '');
    streaming.textContent += m.text;
  } else if (m.type === 'agent_reply' || m.type === 'agent_follow_up') {
    if (streaming) streaming.remove();
    streaming = null;
    if (!seen.has(m.effect_id)) line('agent', typeof m.content === 'string' ? m.content : JSON.stringify(m.content));
    seen.add(m.effect_id);
    socket.send(JSON.stringify({ type: 'ack', effect_id: m.effect_id }));
  } else if (m.type === 'error') {
    line('error', m.message + (m.hint ? ' (' + m.hint + ')' : ''));
  }
}

function connect() {
  const scheme = location.protocol === 'https:' ? 'wss://' : 'ws://';
  const mine = new WebSocket(scheme + location.host + '/v1/sessions/' + encodeURIComponent(session) + '/ws', ['agentd.v1', 'bearer.' + token]);
  socket = mine;
  mine.onmessage = (event) => onMessage(JSON.parse(event.data));
  mine.onclose = (event) => {
    if (socket !== mine) return;
    state('closed: ' + (event.reason || event.code), false);
    if (event.code !== 1008) setTimeout(() => { if (socket === mine) connect(); }, RETRY_MS);
  };
}

function happened(text) {
  const feed = byId('feed'), item = document.createElement('li');
  item.textContent = text;
  feed.prepend(item);
  while (feed.children.length > FEED_LINES) feed.lastChild.remove();
}

// One block of lines of the stream: what is told, and where to go on.
function onBlock(block, cursor) {
  const fields = Object.fromEntries(block.split('\n').map((l) => [l.slice(0, l.indexOf(':')), l.slice(l.indexOf(':') + 2)]));
  if (fields.data) happened((fields.event || '') + ' ' + fields.data);
  return fields.id || cursor;
}

async function watch(mine) {
  let cursor = '';
  while (watching === mine) {
    try {
      const headers = { Authorization: 'Bearer ' + token, ...(cursor && { 'Last-Event-ID': cursor }) };
      const reply = await fetch('/v1/feed', { headers, signal: mine.signal });
      if (!reply.ok) throw new Error((await reply.json()).error.message);
      const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let text = '', part; !(part = await reader.read()).done;) {
        const blocks = (text + part.value).split('\n\n');
        text = blocks.pop();
        for (const block of blocks) cursor = onBlock(block, cursor);
      }
    } catch (e) {
      if (watching === mine) happened(String(e.message || e));
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

byId('enter').addEventListener('submit', (event) => {
  event.preventDefault();
  token = byId('token').value.trim();
  session = byId('session').value.trim();
  if (socket) socket.close();
  if (watching) watching.abort();
  watching = new AbortController();
  connect();
  watch(watching);
});

byId('say').addEventListener('submit', (event) => {
  event.preventDefault();
  const content = byId('content').value;
  socket.send(JSON.stringify({ type: 'message', content, id: crypto.randomUUID ? crypto.randomUUID() : String(Date.now()) }));
  line('person', content);
  byId('content').value = '';
});
