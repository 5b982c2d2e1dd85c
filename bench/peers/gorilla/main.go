// The job of the benchmark as it would be written with gorilla/websocket: two goroutines and a channel per connection, as in
// the library's chat example, and a map of groups under a lock.
// gorilla [--port 0]; prints `listening on ws://127.0.0.1:PORT/ws`.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

const queueLength = 256 // as in the chat example; a client whose queue is full is dropped

type client struct {
	uid, group string
	socket     *websocket.Conn
	queue      chan []byte
}

type frame struct {
	Type string          `json:"type"`
	ID   *uint64         `json:"id,omitempty"`
	To   string          `json:"to,omitempty"`
	Data json.RawMessage `json:"data,omitempty"`
}

type delivery struct {
	Type  string          `json:"type"`
	Group string          `json:"group"`
	From  string          `json:"from"`
	At    int64           `json:"at"`
	Data  json.RawMessage `json:"data"`
}

type answer struct {
	Type string  `json:"type"`
	ID   *uint64 `json:"id,omitempty"`
	User string  `json:"user,omitempty"`
}

var (
	lock   sync.RWMutex
	groups = map[string]map[string]*client{}
)

func join(c *client) {
	lock.Lock()
	defer lock.Unlock()
	members := groups[c.group]
	if members == nil {
		members = map[string]*client{}
		groups[c.group] = members
	}
	members[c.uid] = c
}

func leave(c *client) {
	lock.Lock()
	defer lock.Unlock()
	members := groups[c.group]
	if members[c.uid] == c { // A newer connection of the same uid stays.
		delete(members, c.uid)
	}
	if len(members) == 0 {
		delete(groups, c.group)
	}
}

func encode(value interface{}) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		log.Fatal(err)
	}
	return text
}

func (c *client) push(text []byte) {
	select {
	case c.queue <- text:
	default:
		c.socket.Close()
	}
}

func (c *client) deliver(f frame, kind string) []byte {
	return encode(delivery{kind, c.group, c.uid, time.Now().UnixMilli(), f.Data})
}

func (c *client) send(f frame) {
	lock.RLock()
	to := groups[c.group][f.To]
	lock.RUnlock()
	kind := "error"
	if to != nil {
		to.push(c.deliver(f, "direct"))
		kind = "ok"
	}
	if f.ID != nil {
		c.push(encode(answer{Type: kind, ID: f.ID}))
	}
}

func (c *client) publish(f frame) {
	text := c.deliver(f, "message")
	lock.RLock()
	defer lock.RUnlock()
	for _, member := range groups[c.group] {
		if member != c {
			member.push(text)
		}
	}
}

func (c *client) read() {
	defer close(c.queue)
	defer leave(c)
	for {
		_, text, err := c.socket.ReadMessage()
		if err != nil {
			return
		}
		var f frame
		if json.Unmarshal(text, &f) != nil {
			return
		}
		if f.Type == "send" {
			c.send(f)
		} else {
			c.publish(f)
		}
	}
}

func (c *client) write() {
	defer c.socket.Close()
	for text := range c.queue {
		if c.socket.WriteMessage(websocket.TextMessage, text) != nil {
			return
		}
	}
}

func serve(w http.ResponseWriter, r *http.Request) {
	upgrader := websocket.Upgrader{ReadBufferSize: 1024, WriteBufferSize: 1024, Subprotocols: []string{"beckon.v1"}}
	socket, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	socket.SetReadLimit(64 * 1024)
	query := r.URL.Query()
	c := &client{query.Get("uid"), query.Get("group"), socket, make(chan []byte, queueLength)}
	join(c)
	c.push(encode(answer{Type: "welcome", User: c.uid}))
	go c.write()
	go c.read()
}

func main() {
	port := flag.Int("port", 8080, "0: of the kernel's choice")
	flag.Parse()
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", *port))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on ws://127.0.0.1:%d/ws\n", listener.Addr().(*net.TCPAddr).Port)
	http.HandleFunc("/ws", serve)
	log.Fatal(http.Serve(listener, nil))
}
