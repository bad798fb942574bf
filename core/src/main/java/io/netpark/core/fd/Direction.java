package io.netpark.core.fd;

import io.netpark.core.poll.Interest;
import java.util.List;

/** The two halves of a descriptor, each with its slot, its lock bit and its limits of time. */
public enum Direction {
    /** Reading and accepting. */
    READ(FdLock.READ, ErrorWord.EXPIRED_READ, ErrorWord.TIMED_OUT_READ, ErrorWord.TURN_OVER_READ, Interest.READ),
    /** Writing and connecting. */
    WRITE(FdLock.WRITE, ErrorWord.EXPIRED_WRITE, ErrorWord.TIMED_OUT_WRITE, ErrorWord.TURN_OVER_WRITE, Interest.WRITE);

    /** Without the copy that values() makes. */
    static final List<Direction> BOTH = List.of(READ, WRITE);

    final int lockBit;
    final int expired;
    final int timedOut;
    final int turnOver;
    final int interest;

    Direction(int lockBit, int expired, int timedOut, int turnOver, int interest) {
        this.lockBit = lockBit;
        this.expired = expired;
        this.timedOut = timedOut;
        this.turnOver = turnOver;
        this.interest = interest;
    }
}
