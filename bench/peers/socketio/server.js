'use strict'
// The job of the benchmark as it would be written for socket.io: a room for each group, and one for each of its members.
// It speaks Socket.IO's own protocol over the WebSocket transport alone; an acknowledgement is Socket.IO's.
// node server.js [--port 0]; prints `listening on ws://127.0.0.1:PORT/ws`.

const { createServer } = require('http')
const { Server } = require('socket.io')

const at = process.argv.indexOf('--port')
const server = createServer()
const io = new Server(server, { transports: ['websocket'], serveClient: false, maxHttpBufferSize: 64 * 1024 })

io.on('connection', (socket) => {
  const { uid, group } = socket.handshake.query
  socket.join([`group ${group}`, `member ${group} ${uid}`])

  socket.on('send', (frame, acknowledge) => {
    io.to(`member ${group} ${frame.to}`).emit('direct', { group, from: uid, at: Date.now(), data: frame.data })
    if (acknowledge) acknowledge()
  })

  socket.on('publish', (frame) => {
    socket.to(`group ${group}`).emit('message', { group, from: uid, at: Date.now(), data: frame.data })
  })
})

server.listen(at < 0 ? 8080 : Number(process.argv[at + 1]), '127.0.0.1', 511, () =>
  console.log(`listening on ws://127.0.0.1:${server.address().port}/ws`)
)
process.on('SIGTERM', () => process.exit(0))
