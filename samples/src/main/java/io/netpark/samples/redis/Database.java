package io.netpark.samples.redis;

import java.util.HashMap;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The keys and values, in memory only. Whoever uses it holds its monitor: for all commands of one connection that have
 * come together, so that commands run one at a time, as those of Redis do, and a command is atomic however many keys it has.
 * What event loops share is the rest: reading requests and sending answers, which is most of the work.
 */
final class Database {

    private final Map<Bytes, Entry> entries = new HashMap<>();
    /** Those that expire, the next one first. */
    private final TreeSet<Entry> expiring = new TreeSet<>(Entry.BY_EXPIRY);
    private final Bytes finger = Bytes.finger();
    private final long startNanos = System.nanoTime();
    private final long startMillis = System.currentTimeMillis();
    private long now;
    private long serial;
    private long expired;
    private long hits;
    private long misses;

    /** Looks at the clock, of which the commands that follow see one time. */
    void tick() {
        now = startMillis + TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - startNanos);
    }

    /** Milliseconds since 1970, but from the start on by a clock that nobody sets. */
    long now() {
        return now;
    }

    /** The {@link System#nanoTime} of a time of this clock, which is not further than a day from now. */
    long nanoTime(long millis) {
        return startNanos + TimeUnit.MILLISECONDS.toNanos(millis - startMillis);
    }

    /** The entry of a key, if it has not expired. */
    @Nullable Entry find(byte[] array, int from, int length) {
        Entry entry = entries.get(finger.point(array, from, length));
        if (entry != null && entry.expiresAt() <= now) {
            remove(entry);
            expired++;
            return null;
        }
        return entry;
    }

    /** As {@link #find}, and counts what was found: for commands that read. */
    @Nullable Entry read(byte[] array, int from, int length) {
        Entry entry = find(array, from, length);
        if (entry == null) {
            misses++;
        } else {
            hits++;
        }
        return entry;
    }

    /** Adds a key that {@link #find} has just not found. */
    Entry add(byte[] value) {
        Entry entry = new Entry(finger.copy(), serial++, value);
        entries.put(entry.key, entry);
        return entry;
    }

    void remove(Entry entry) {
        expire(entry, Entry.NEVER);
        entries.remove(entry.key);
    }

    /** Has an entry expire at a time of this clock, or {@link Entry#NEVER}. */
    void expire(Entry entry, long millis) {
        if (entry.expiresAt() != Entry.NEVER) {
            expiring.remove(entry);
        }
        entry.expiresAt(millis);
        if (millis != Entry.NEVER) {
            expiring.add(entry);
        }
    }

    void clear() {
        entries.clear();
        expiring.clear();
    }

    /** Of which some may have expired, if {@link #removeExpired} did not come to them. */
    int size() {
        return entries.size();
    }

    int expiring() {
        return expiring.size();
    }

    void forEach(Consumer<Entry> action) {
        entries.values().forEach(action);
    }

    /** Removes what has expired, but no more than so many at a time. */
    void removeExpired(int most) {
        for (int i = 0; i < most && nextExpiry() <= now; i++) {
            remove(expiring.first());
            expired++;
        }
    }

    /** When the next entry expires, or {@link Entry#NEVER}. */
    long nextExpiry() {
        return expiring.isEmpty() ? Entry.NEVER : expiring.first().expiresAt();
    }

    long expired() {
        return expired;
    }

    long hits() {
        return hits;
    }

    long misses() {
        return misses;
    }
}
