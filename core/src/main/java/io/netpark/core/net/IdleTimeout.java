package io.netpark.core.net;

import io.netpark.core.loop.Timer;
import io.netpark.core.sys.Due;
import java.util.concurrent.TimeUnit;

/**
 * Closes a stream on which no byte has moved for some time. A byte costs a look at the clock; the timer moves itself when
 * it fires and finds that it is not time yet.
 */
final class IdleTimeout {

    private final ByteStream stream;
    private final Timer timer;
    /** 0 for none. */
    private volatile long nanos;
    private volatile long lastByte;
    /** It was this that closed the stream; set before. */
    private volatile boolean expired;

    IdleTimeout(ByteStream stream) {
        this.stream = stream;
        this.timer = stream.loop().newTimer(this::fire);
    }

    void set(long nanos) {
        touch();
        this.nanos = nanos;
        if (nanos == 0) {
            timer.disarm();
        } else {
            timer.arm(Due.after(lastByte, nanos));
            if (stream.isClosed()) {
                timer.disarm(); // by then stop() may have been called, and nothing else would end it
            }
        }
    }

    void touch() {
        lastByte = System.nanoTime();
    }

    void stop() {
        timer.disarm();
    }

    boolean hasExpired() {
        return expired;
    }

    private void fire() {
        long limit = nanos;
        if (limit == 0 || stream.isClosed()) {
            return;
        }
        long due = Due.after(lastByte, limit);
        if (due - System.nanoTime() > 0) {
            timer.arm(due);
        } else {
            expired = true;
            stream.close();
        }
    }

    @Override
    public String toString() {
        return "no byte moved in either direction for " + TimeUnit.NANOSECONDS.toMillis(nanos) + " ms";
    }
}
