package io.netpark.core.report;

import java.net.SocketAddress;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Whether a group serves.
 *
 * @param loops one by one, those that retire included
 * @param listeners those of loops that have answered
 * @param openDescriptors of the whole process; -1 if that cannot be found out
 * @param mostDescriptors how many the process may have open (RLIMIT_NOFILE); -1 if that cannot be found out, {@link Long#MAX_VALUE} for
 *     no limit
 * @param failure why a loop has ended though nobody has closed it; null if none has
 */
public record GroupHealth(
        List<LoopHealth> loops,
        List<ListenerHealth> listeners,
        long openDescriptors,
        long mostDescriptors,
        @Nullable Throwable failure) {

    /** Copies the lists. */
    public GroupHealth {
        loops = List.copyOf(loops);
        listeners = List.copyOf(listeners);
    }

    /** Whether there are loops, all of them turn, and none has failed. That accepting pauses does not count: open connections are served. */
    public boolean isWell() {
        return failure == null && !loops.isEmpty() && loops.stream().allMatch(LoopHealth::answers);
    }

    /** How many descriptors the process may still open; -1 if that cannot be found out. */
    public long descriptorsLeft() {
        return openDescriptors < 0 || mostDescriptors < 0 ? -1 : Math.max(0, mostDescriptors - openDescriptors);
    }

    /**
     * Whether a loop turns.
     *
     * @param name the loop's
     * @param answers whether it ran a task in time
     * @param sinceTurn how long that task had to wait. Of a loop that does not answer, how long ago its last turn began, if its group has
     *     metrics; otherwise for how long at least the same piece of code has held it, as far as that was looked at
     * @param retiring whether the group has given it up
     * @param descriptors watched by it, listeners and others included
     * @param pendingTasks queued now
     * @param occupation what holds a loop that does not answer, as far as that is known: a connection and its handler, a request, or both
     * @param stack where the thread of a loop is that does not answer, the innermost frame first; empty if it answers
     */
    public record LoopHealth(
            String name,
            boolean answers,
            Duration sinceTurn,
            boolean retiring,
            long descriptors,
            long pendingTasks,
            @Nullable String occupation,
            List<StackTraceElement> stack) {

        /** Copies the list. */
        public LoopHealth {
            stack = List.copyOf(stack);
        }
    }

    /**
     * Whether a listener accepts.
     *
     * @param loop the name of the loop that it lives on
     * @param address that it listens on
     * @param state what it is at
     */
    public record ListenerHealth(String loop, SocketAddress address, State state) {

        /** What a listener is at. */
        public enum State {
            /** It waits for connections. */
            ACCEPTING,
            /** It is accepting at this moment, or nobody accepts; connections wait in the backlog. */
            UNWATCHED,
            /** As many connections are open as its admission allows; others wait in the backlog. */
            FULL,
            /** Descriptors or memory have run out: it tries again by itself. */
            PAUSED
        }

        /** A listener that can be looked at. For Netpark's own. */
        public interface Source {

            /** As it is now; null if it is closed. Does not take long. */
            @Nullable ListenerHealth health();
        }
    }
}
