package io.netpark.callback;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** What is promised of callbacks holds in any order of the threads: on a kernel in memory, with its own time. */
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
    class Echo extends EchoTest {}

    @Nested
    class Framed extends FramedTest {}

    @Nested
    class Relay extends RelayTest {}

    @Nested
    class CallbackPool extends CallbackPoolTest {}

    @Nested
    class PeerGone extends PeerGoneTest {}

    @Nested
    class EndOfConnection extends EndOfConnectionTest {}

    @Nested
    class IdleTimeout extends IdleTimeoutTest {}

    @Nested
    class EndBehindBytes extends EndBehindBytesTest {

        /** Has a thread that never stops while the time stands still. */
        @Override
        void aCopyThatIsCancelledBeforeItBeginsLeavesBytesInFrontOfTheEnd(String threads) {}
    }

    @Nested
    class Backpressure extends BackpressureTest {

        /** Measures the processor time of an event loop. */
        @Override
        void aClientThatNeverReadsCostsBoundedMemoryAndNoProcessorTime() {}
    }

    @Nested
    class Shutdown extends ShutdownTest {

        /** Has an event loop write to sockets, for which a thread waits here. */
        @Override
        void aRequestThatHasArrivedIsAnsweredThoughItsConnectionSeemedIdle() {}
    }

    @Nested
    class Dial extends DialTest {

        /** Has a listener of the JDK's whose queue is full. */
        @Override
        void aDialThatTakesTooLongTimesOutAndLeavesNothing() {}

        /** As the other. */
        @Override
        void aCancelledDialClosesItsDescriptor() {}

        /** As the other. */
        @Override
        void closingTheClientEndsDialsAndConnections() {}
    }
}
