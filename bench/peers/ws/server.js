'use strict'
// The job of the benchmark as it would be written for Node ws: groups of members who send to one another and publish to all.
// It speaks as much of beckon.v1 as that takes: welcome, send -> direct (ok or error with an id), publish -> message.
// node server.js [--port 0]; prints `listening on ws://127.0.0.1:PORT/ws`.

const { WebSocket, WebSocketServer } = require('ws')

const groups = new Map() // group -> Map(uid -> socket)

function join(group, uid, socket) {
  let members = groups.get(group)
  if (!members) groups.set(group, (members = new Map()))
  members.set(uid, socket)
  return members
}

function leave(group, members, uid, socket) {
  // A newer connection of the same uid stays.
  if (members.get(uid) === socket) members.delete(uid)
  if (members.size === 0 && groups.get(group) === members) groups.delete(group)
}

function answer(socket, frame, result) {
  if (frame.id !== undefined) socket.send(JSON.stringify({ type: result.code ? 'error' : 'ok', id: frame.id, ...result }))
}

function send(socket, client, frame) {
  const target = client.members.get(frame.to)
  if (!target || target.readyState !== WebSocket.OPEN) {
    answer(socket, frame, { code: 'not_delivered' })
    return
  }
  target.send(
    JSON.stringify({ type: 'direct', group: client.group, from: client.uid, at: Date.now(), data: frame.data })
  )
  answer(socket, frame, {})
}

function publish(socket, client, frame) {
  const text = JSON.stringify({
    type: 'message',
    group: client.group,
    from: client.uid,
    at: Date.now(),
    data: frame.data
  })
  let count = 0
  for (const member of client.members.values()) {
    if (member === socket || member.readyState !== WebSocket.OPEN) continue
    member.send(text)
    ++count
  }
  answer(socket, frame, { count })
}

function onMessage(socket, client, bytes) {
  let frame
  try {
    frame = JSON.parse(bytes)
  } catch {
    socket.send(JSON.stringify({ type: 'error', code: 'bad_json' }))
    return
  }
  if (frame.type === 'send') send(socket, client, frame)
  else if (frame.type === 'publish') publish(socket, client, frame)
  else answer(socket, frame, { code: 'unknown_type' })
}

function onConnection(socket, request) {
  const query = new URL(request.url, 'ws://localhost').searchParams
  const uid = query.get('uid')
  const group = query.get('group')
  if (!uid || !group) {
    socket.close(4003, 'uid and group are needed')
    return
  }
  const client = { uid, group, members: join(group, uid, socket) }
  socket.on('message', (bytes) => onMessage(socket, client, bytes))
  socket.on('close', () => leave(group, client.members, uid, socket))
  socket.on('error', () => {}) // A close follows.
  socket.send(JSON.stringify({ type: 'welcome', user: uid }))
}

const at = process.argv.indexOf('--port')
const server = new WebSocketServer({
  host: '127.0.0.1',
  port: at < 0 ? 8080 : Number(process.argv[at + 1]),
  path: '/ws',
  perMessageDeflate: false,
  maxPayload: 64 * 1024
})
server.on('connection', onConnection)
server.on('listening', () => console.log(`listening on ws://127.0.0.1:${server.address().port}/ws`))
process.on('SIGTERM', () => process.exit(0))
