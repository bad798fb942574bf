package io.netpark.samples.redis;

import io.netpark.callback.CallbackConnection;
import io.netpark.core.sys.NetparkException;
import java.nio.ByteBuffer;
import java.time.Duration;

/** One connection: its requests in order. On its event loop only. */
final class Session {

    /** How long a client that has been told goodbye may take to hear it. */
    private static final Duration LINGER = Duration.ofSeconds(2);

    private final CallbackConnection connection;
    private final Shared shared;
    private final Desk desk;
    private final long id;
    private final Request request;
    private byte[] name = {};
    private boolean resp3;
    /** Requests are left because answers are not taken. */
    private boolean behind;
    /** The client will send no more. */
    private boolean halfClosed;
    /** Nothing is answered any more. */
    private boolean ended;
    /** Nor is what has not been sent yet. */
    private boolean abandoned;

    /**
     * What all connections have in common.
     *
     * @param longestValue in bytes
     * @param longestAnswer in bytes: a client that has so much to read is disconnected
     */
    record Shared(Database database, Commands commands, Expiry expiry, int longestValue, long longestAnswer) {}

    Session(CallbackConnection connection, Shared shared, Desk desk, long id) {
        this.connection = connection;
        this.shared = shared;
        this.desk = desk;
        this.id = id;
        this.request = new Request(shared.longestValue());
    }

    long id() {
        return id;
    }

    byte[] name() {
        return name;
    }

    void name(byte[] name) throws CommandError {
        for (byte b : name) {
            if (b < '!' || b > '~') {
                throw new CommandError("ERR Client names cannot contain spaces, newlines or special characters.");
            }
        }
        this.name = name;
    }

    /** Whether the client has asked for RESP3; else it is answered in RESP2. */
    boolean isResp3() {
        return resp3;
    }

    void setResp3(boolean resp3) {
        this.resp3 = resp3;
    }

    int longestValue() {
        return shared.longestValue();
    }

    long longestAnswer() {
        return shared.longestAnswer();
    }

    /** Carries out all requests that are complete, unless answers pile up: then it goes on when {@link #writable}. */
    void request(ByteBuffer in) throws NetparkException.Closed {
        if (ended) {
            in.position(in.limit());
            return;
        }
        byte[] array = desk.array(in);
        int start = desk.start(in);
        int end = start + in.remaining();
        int at = start;
        Answers answers = desk.answers();
        answers.begin(connection, resp3);
        try {
            at = run(array, start, end, answers);
        } catch (ProtocolError e) {
            answers.error(e.text());
            ended = true;
        } finally {
            if (abandoned) {
                answers.drop();
            }
            answers.flush();
        }
        if (ended) {
            in.position(in.limit());
            if (abandoned) {
                connection.close();
            } else {
                connection.closeLingering(LINGER);
            }
        } else {
            in.position(in.position() + at - start);
            if (halfClosed && !behind) {
                connection.closeAfterWrites();
            }
        }
    }

    /** Returns up to where requests have been carried out. */
    private int run(byte[] array, int start, int end, Answers answers) throws ProtocolError, NetparkException.Closed {
        int at = start;
        Database database = shared.database();
        synchronized (database) {
            database.tick();
            try {
                while (!ended) {
                    behind = at < end && !connection.isWritable(); // with nothing left nobody would be called again
                    if (behind || !request.parse(array, at, end)) {
                        break;
                    }
                    at += request.size();
                    if (request.count() > 0) {
                        shared.commands().run(request, this, answers);
                    }
                }
            } finally {
                shared.expiry().look(); // also at what was set before a request that could not be answered
            }
        }
        return at;
    }

    /** Answers have been taken. */
    void writable() {
        if (behind) {
            connection.requestAgain();
        }
    }

    /** The client has ended its stream, and gets its answers. */
    void halfClosed() {
        halfClosed = true;
        if (!behind) {
            connection.closeAfterWrites();
        }
    }

    /** No request that follows is answered. */
    void end() {
        ended = true;
    }

    /**
     * Closes without a word: this is the head of an HTTP request. Some web page has a browser send it, with commands in its body,
     * to a server that the page itself cannot reach.
     */
    void abandon() {
        ended = true;
        abandoned = true;
    }
}
