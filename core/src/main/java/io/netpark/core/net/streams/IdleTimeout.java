package io.netpark.core.net.streams;

import io.netpark.core.loop.Timer;
import io.netpark.core.sys.Due;
import java.util.concurrent.TimeUnit;

/**
 * Closes a stream on which no byte has moved for some time, neither through it nor from the kernel to the peer. A byte costs a look
 * at the clock; the timer moves itself when it fires and finds that it is not time yet.
 */
final class IdleTimeout {

    private final ByteStream stream;
    private final Timer timer;
    private final Uptake uptake;
    /** {@link Due#FOREVER} for none. */
    private volatile long nanos = Due.FOREVER;
    private volatile long lastByte;
    /** It was this that closed the stream; set before. */
    private volatile boolean expired;

    IdleTimeout(ByteStream stream) {
        this.stream = stream;
        this.uptake = new Uptake(stream);
        this.timer = stream.loop().newTimer(this::fire);
    }

    void set(long nanos) {
        touch();
        this.nanos = nanos;
        if (stream.loop().inLoop()) {
            plan();
        } else {
            stream.loop().tryExecute(this::plan);
        }
    }

    /** On the loop, as is {@link #fire}: what one of them says of the timer is not undone by what was said before. */
    private void plan() {
        long limit = nanos;
        if (limit >= Due.FOREVER || stream.isClosed()) { // if it is closed later than this, that stops it
            timer.disarm();
        } else {
            timer.arm(Uptake.firstLook(lastByte, limit));
        }
    }

    long nanos() {
        return nanos;
    }

    void touch() {
        uptake.restart();
        lastByte = stream.loop().clock().nanoTime();
    }

    void stop() {
        timer.disarm();
    }

    boolean hasExpired() {
        return expired;
    }

    private void fire() {
        long limit = nanos;
        if (limit >= Due.FOREVER || stream.isClosed()) {
            return;
        }
        if (!uptake.isOver(lastByte, limit)) {
            timer.arm(uptake.nextLook());
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
