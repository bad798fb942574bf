package io.netpark.samples.redis;

import java.util.Arrays;

/**
 * Bytes as the key of a map: those of an array from an index on. It is either a key of its own, which never changes, or a
 * finger that is pointed at a request's bytes to look one up, so that looking up allocates nothing.
 */
final class Bytes implements Comparable<Bytes> {

    private byte[] array;
    private int from;
    private int length;
    private int hash;

    private Bytes(byte[] array) {
        this.array = array;
        point(array, 0, array.length);
    }

    /** A key: the array is its own from now on. */
    static Bytes of(byte[] array) {
        return new Bytes(array);
    }

    /** Points at nothing yet. */
    static Bytes finger() {
        return new Bytes(new byte[0]);
    }

    /** Points at other bytes, which must not change before the look-up is over. */
    Bytes point(byte[] array, int from, int length) {
        this.array = array;
        this.from = from;
        this.length = length;
        int sum = 1;
        for (int i = from; i < from + length; i++) {
            sum = 31 * sum + array[i];
        }
        hash = sum;
        return this;
    }

    /** A key of the same bytes. */
    Bytes copy() {
        return of(toArray());
    }

    byte[] toArray() {
        return Arrays.copyOfRange(array, from, from + length);
    }

    /** The array itself, of a key. */
    byte[] array() {
        return array;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Bytes bytes && hash == bytes.hash
                && Arrays.equals(array, from, from + length, bytes.array, bytes.from, bytes.from + bytes.length);
    }

    @Override
    public int hashCode() {
        return hash;
    }

    /** An order makes a map bearable whose keys were chosen to have the same hash. */
    @Override
    public int compareTo(Bytes other) {
        return Arrays.compare(array, from, from + length, other.array, other.from, other.from + other.length);
    }
}
