package io.netpark.samples.redis;

import java.util.Comparator;

/** A key with its value. Guarded by the {@link Database} it is in. */
final class Entry {

    /** The time of what does not expire. */
    static final long NEVER = Long.MAX_VALUE;

    /** The one that expires first comes first. */
    static final Comparator<Entry> BY_EXPIRY =
            Comparator.<Entry>comparingLong(entry -> entry.expiresAt).thenComparingLong(entry -> entry.serial);

    final Bytes key;
    /** Of entries that expire at the same time. */
    private final long serial;
    private byte[] value;
    private long expiresAt = NEVER;

    Entry(Bytes key, long serial, byte[] value) {
        this.key = key;
        this.serial = serial;
        this.value = value;
    }

    byte[] value() {
        return value;
    }

    /** Takes a copy; of the same length it goes where the old value is. */
    void set(byte[] array, int from, int length) {
        if (value.length != length) {
            value = new byte[length];
        }
        System.arraycopy(array, from, value, 0, length);
    }

    /** Milliseconds of the database's clock, or {@link #NEVER}. */
    long expiresAt() {
        return expiresAt;
    }

    /** Only by the database, which has it in order. */
    void expiresAt(long millis) {
        expiresAt = millis;
    }
}
