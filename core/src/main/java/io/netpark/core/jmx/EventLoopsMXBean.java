package io.netpark.core.jmx;

/**
 * What can be asked of a group of event loops while it runs. Every call looks anew, and waits for the loops, two seconds at most for each
 * look. The text of a dump is made after that.
 */
public interface EventLoopsMXBean {

    /** Whether all loops turn, and none has failed. */
    boolean isWell();

    /** Names of the loops that do not turn: something holds them. */
    String[] getSilentLoops();

    /** Listeners that have paused, because descriptors or memory have run out, by their addresses. */
    String[] getPausedListeners();

    /** How many descriptors the process may still open; -1 if that cannot be found out. */
    long getDescriptorsLeft();

    /** Loops, listeners and connections, with where their handlers are parked, in the way of a thread dump. */
    String dump();
}
