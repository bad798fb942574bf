package io.netpark.samples.redis;

/** The client's bytes are no request: it is told, and that is the end of its connection. The texts are those of Redis. */
final class ProtocolError extends Exception {

    ProtocolError(String message) {
        super("ERR Protocol error: " + message, null, false, false);
    }

    /** What the answer says. */
    String text() {
        return String.valueOf(getMessage());
    }
}
