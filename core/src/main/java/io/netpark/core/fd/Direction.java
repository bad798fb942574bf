package io.netpark.core.fd;

import io.netpark.core.poll.Interest;

/** The two halves of a descriptor, each with its slot, its lock bit and its deadline. */
public enum Direction {
    /** Reading and accepting. */
    READ(FdLock.READ, ErrorWord.EXPIRED_READ, ErrorWord.TURN_OVER_READ, Interest.READ),
    /** Writing and connecting. */
    WRITE(FdLock.WRITE, ErrorWord.EXPIRED_WRITE, ErrorWord.TURN_OVER_WRITE, Interest.WRITE);

    final int lockBit;
    final int expired;
    final int turnOver;
    final int interest;

    Direction(int lockBit, int expired, int turnOver, int interest) {
        this.lockBit = lockBit;
        this.expired = expired;
        this.turnOver = turnOver;
        this.interest = interest;
    }
}
