package io.netpark.samples.redis;

/**
 * The patterns of KEYS and CONFIG GET: {@code ?}, {@code *}, {@code [abc]}, {@code [^a-c]}, and a backslash before what is
 * meant as it is. A loop that goes back to the last star only: no pattern takes more than pattern times text.
 */
final class Glob {

    private Glob() {}

    static boolean matches(byte[] pattern, byte[] text) {
        int p = 0;
        int t = 0;
        int star = -1;
        int retry = 0;
        while (t < text.length) {
            if (p < pattern.length && pattern[p] == '*') {
                star = p++;
                retry = t;
                continue;
            }
            int next = p < pattern.length ? one(pattern, p, text[t]) : -1;
            if (next >= 0) {
                p = next;
                t++;
            } else if (star >= 0) {
                p = star + 1;
                t = ++retry;
            } else {
                return false;
            }
        }
        while (p < pattern.length && pattern[p] == '*') {
            p++;
        }
        return p == pattern.length;
    }

    /** Matches one byte with what is at {@code p}; returns where the pattern goes on, or -1. */
    private static int one(byte[] pattern, int p, byte b) {
        return switch (pattern[p]) {
            case '?' -> p + 1;
            case '[' -> set(pattern, p + 1, b);
            case '\\' -> {
                int literal = p + 1 < pattern.length ? p + 1 : p;
                yield pattern[literal] == b ? literal + 1 : -1;
            }
            default -> pattern[p] == b ? p + 1 : -1;
        };
    }

    /** After the opening bracket. Without a closing one the set is all that follows. */
    private static int set(byte[] pattern, int p, byte b) {
        boolean not = p < pattern.length && pattern[p] == '^';
        boolean found = false;
        int at = not ? p + 1 : p;
        for (; at < pattern.length && pattern[at] != ']'; at++) {
            if (pattern[at] == '\\' && at + 1 < pattern.length) {
                at++;
                found |= pattern[at] == b;
            } else if (at + 2 < pattern.length && pattern[at + 1] == '-') {
                int low = Math.min(pattern[at] & 0xff, pattern[at + 2] & 0xff);
                int high = Math.max(pattern[at] & 0xff, pattern[at + 2] & 0xff);
                found |= low <= (b & 0xff) && (b & 0xff) <= high;
                at += 2;
            } else {
                found |= pattern[at] == b;
            }
        }
        return found == not ? -1 : Math.min(at + 1, pattern.length);
    }
}
