'use strict';
const $ = (id) => document.getElementById(id);
const seen = new Set(); // effect ids: an answer that comes twice is shown once
let socket, partial, piece;

function show(kind, text) {
  const line = document.createElement('li');
  line.className = kind;
  line.textContent = text;
  $('messages').append(line);
  line.scrollIntoView();
  return line;
}
function take(m) {
  if (m.type === 'delta') {
    if (!partial || m.piece === 1) piece = 0;
    if (partial && m.piece === 1) partial.textContent = ''; // said anew
    partial = partial || show('agent_reply partial', '');
    partial.textContent += (m.piece === piece + 1 ? '' : ' … ') + m.text;
    piece = m.piece;
  } else if (m.effect_id) {
    if (partial) partial.remove();
    partial = null;
    if (!seen.has(m.effect_id)) show(m.type, m.content);
    seen.add(m.effect_id);
    socket.send(JSON.stringify({ type: 'ack', effect_id: m.effect_id }));
  } else if (m.type === 'error') show('error', m.message);
}
function open() {
  const at = new URL('v1/sessions/' + encodeURIComponent($('session').value) + '/ws', location.href.replace(/^http/, 'ws'));
  socket = new WebSocket(at, ['agentd.v1', 'bearer.' + $('token').value]);
  socket.onopen = () => { $('state').textContent = 'connected'; $('text').disabled = false; };
  socket.onmessage = (e) => take(JSON.parse(e.data));
  socket.onclose = (e) => {
    const isRefused = e.code === 1008; // to come again with this token is no use
    $('state').textContent = isRefused ? 'refused: ' + e.reason : 'connecting again';
    $('join').hidden = !isRefused;
    $('text').disabled = true;
    if (!isRefused) setTimeout(open, 1000);
  };
}
$('join').onsubmit = (e) => { e.preventDefault(); $('join').hidden = true; open(); };
$('say').onsubmit = (e) => {
  e.preventDefault();
  if (!$('text').value || socket.readyState !== WebSocket.OPEN) return;
  const agent = $('agent').value || undefined; // who answers in a session that is not there yet
  socket.send(JSON.stringify({ type: 'message', content: $('text').value, agent }));
  show('person', $('text').value);
  $('text').value = '';
};
