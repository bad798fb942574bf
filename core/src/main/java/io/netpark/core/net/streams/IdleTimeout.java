package io.netpark.core.net.streams;

import io.netpark.core.loop.Timer;
import io.netpark.core.sys.Due;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Ends a stream on which no byte has moved for some time, neither through it nor from the kernel to the peer: closes it, or tells its
 * owner. A byte costs a look at the clock; the timer moves itself when it fires and finds that it is not time yet.
 */
final class IdleTimeout {

    private final ByteStream stream;
    private final Timer timer;
    /** Null if the stream is just closed. */
    private volatile @Nullable IdleOwner owner;
    /** Made when the stream has first been silent for a part of its time. */
    private volatile @Nullable Uptake uptake;
    /** {@link Due#FOREVER} for none. */
    private volatile long nanos = Due.FOREVER;
    private volatile long lastByte;
    /** It was this that closed the stream; set before. */
    private volatile boolean expired;

    IdleTimeout(ByteStream stream) {
        this.stream = stream;
        this.timer = stream.loop().newTimer(this::fire);
    }

    /** From any thread: from now on. */
    void set(long nanos, @Nullable IdleOwner owner) {
        restart(); // first: whatever fires meanwhile finds that it is not time, for this owner or the one before
        this.owner = owner;
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

    /** A byte has moved, or the silence so far does not count. From any thread. */
    void touch() {
        if (nanos < Due.FOREVER) {
            restart();
        }
    }

    private void restart() {
        Uptake asked = uptake;
        if (asked != null) {
            asked.restart();
        }
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
        try {
            look(limit);
        } catch (Throwable e) { // no memory, say: the stream would be silent for ever
            timer.arm(stream.loop().clock().after(limit));
            throw e;
        }
    }

    private void look(long limit) {
        IdleOwner told = owner;
        if (told != null && told.isAtWork()) {
            touch();
        }
        if (!uptake().isOver(lastByte, limit)) {
            timer.arm(uptake().nextLook());
        } else if (told != null) {
            told.idleFor(limit);
        } else {
            expired = true;
            stream.close();
        }
    }

    private Uptake uptake() {
        Uptake known = uptake;
        if (known == null) {
            known = uptake = new Uptake(stream);
        }
        return known;
    }

    @Override
    public String toString() {
        return "no byte moved in either direction for " + TimeUnit.NANOSECONDS.toMillis(nanos) + " ms";
    }
}
