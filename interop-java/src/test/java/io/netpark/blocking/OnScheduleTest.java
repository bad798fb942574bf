package io.netpark.blocking;

import io.netpark.callback.OnSchedule;
import io.netpark.callback.ScheduledRun;
import java.nio.file.Path;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** What is promised to threads that wait holds in any order of the threads: on a kernel in memory, with its own time. */
@ParameterizedClass(name = "seed {0}")
@MethodSource("io.netpark.callback.ScheduledRun#seeds")
@ExtendWith(OnSchedule.class)
class OnScheduleTest {

    @Parameter
    long seed;

    @BeforeParameterizedClassInvocation
    static void inOrder(long seed) {
        ScheduledRun.use(seed);
    }

    @AfterParameterizedClassInvocation
    static void asItHappens() {
        ScheduledRun.stop();
    }

    @Nested
    class Connection extends BlockingConnectionTest {}

    @Nested
    class Reading extends BlockingReadingTest {}

    @Nested
    class Writing extends BlockingWritingTest {

        /** Sends a file, which the kernel in memory does not have. */
        @Override
        void bytesGoInOrderWhicheverWayTheyAreWritten(Setting setting, Path folder) {}
    }

    @Nested
    class Copy extends BlockingCopyTest {}

    @Nested
    class Listener extends BlockingListenerTest {

        /** Has event loops of its own, which are on Linux. */
        @Override
        void itIsMadeInOneLineAndEndsWithItsEventLoops() {}
    }

    @Nested
    class Pool extends BlockingPoolTest {}

    @Nested
    class Serve extends BlockingServeTest {

        /** Has an executor with a queue: a schedule waits for every task that it has been given. */
        @Override
        void anExecutorThatEndsWithHandlersInItsQueueIsFoundOut() {}

        /** As the other. */
        @Override
        void aHandlerThatIsCutOffInTheQueueOfItsExecutorIsNotRunAndNotWaitedFor() {}
    }
}
