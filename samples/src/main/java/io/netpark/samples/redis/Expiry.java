package io.netpark.samples.redis;

import io.netpark.core.loop.EventLoop;
import io.netpark.core.loop.Timer;
import java.util.concurrent.TimeUnit;

/**
 * Removes keys that have expired though nobody asks for them. A timer of one event loop, which is armed only while there are
 * keys that expire: a server with none sleeps.
 */
final class Expiry {

    /** A loop has connections as well. */
    private static final int MOST_A_TURN = 1000;
    /** A key may have a time beyond what the timer can count. */
    private static final long A_DAY = TimeUnit.DAYS.toMillis(1);

    private final Database database;
    private final Timer timer;
    /** Guarded by the database. */
    private long armedFor = Entry.NEVER;

    Expiry(Database database, EventLoop loop) {
        this.database = database;
        this.timer = loop.newTimer(this::due);
    }

    /** After commands, with the monitor of the database. */
    void look() {
        long next = database.nextExpiry();
        if (next < armedFor) {
            armedFor = Math.min(next, database.now() + A_DAY);
            timer.arm(database.nanoTime(armedFor));
        }
    }

    private void due() {
        synchronized (database) {
            armedFor = Entry.NEVER;
            database.tick();
            database.removeExpired(MOST_A_TURN);
            look();
        }
    }
}
