package io.netpark.samples.redis;

/** Whole numbers in ASCII, as strict as Redis: no plus, no leading zeros, no blanks, so that each has one text only. */
final class Decimal {

    /** Digits of the longest, with its sign. */
    static final int LONGEST = 20;

    private Decimal() {}

    /** The number that a text is. */
    static long parse(byte[] array, int from, int length) throws CommandError {
        boolean negative = length > 1 && array[from] == '-';
        int at = negative ? from + 1 : from;
        int end = from + length;
        if (at == end || length > LONGEST || array[at] == '0' && (negative || end - at > 1)) {
            throw CommandError.NOT_AN_INTEGER;
        }
        long sum = 0; // kept negative, as there is one more of those
        for (; at < end; at++) {
            int digit = array[at] - '0';
            if (digit < 0 || digit > 9 || sum < Long.MIN_VALUE / 10 || sum * 10 < Long.MIN_VALUE + digit) {
                throw CommandError.NOT_AN_INTEGER;
            }
            sum = sum * 10 - digit;
        }
        if (!negative && sum == Long.MIN_VALUE) {
            throw CommandError.NOT_AN_INTEGER;
        }
        return negative ? sum : -sum;
    }

    /** Writes a number so that it ends at the end of {@code target}, of {@link #LONGEST} bytes; returns where it begins. */
    static int format(long number, byte[] target) {
        int at = LONGEST;
        long rest = number < 0 ? number : -number;
        do {
            target[--at] = (byte) ('0' - rest % 10);
            rest /= 10;
        } while (rest != 0);
        if (number < 0) {
            target[--at] = '-';
        }
        return at;
    }
}
