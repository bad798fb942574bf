package io.netpark.samples.websocket

/** What a frame, or a message of several, is. */
enum class Arrival(internal val opcode: Int) {
    TEXT(Opcode.TEXT),
    BINARY(Opcode.BINARY),
    CLOSE(Opcode.CLOSE),
    PING(Opcode.PING),
    PONG(Opcode.PONG),
}
