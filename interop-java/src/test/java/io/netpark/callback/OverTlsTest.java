package io.netpark.callback;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;

/** What is promised of plain connections holds over TLS. */
class OverTlsTest {

    @BeforeAll
    static void secured() {
        Flavour.use(Flavour.TLS_1_3);
    }

    @AfterAll
    static void plain() {
        Flavour.use(Flavour.PLAIN);
    }

    @Nested
    class Echo extends EchoTest {}

    @Nested
    class Input extends InputTest {

        /** A connection with TLS is not detached. */
        @Override
        void aRequestCallbackDetachesWithoutLosingWhatItLeaves() {}

        /** Nor is this one. */
        @Override
        void aConnectionMovesElsewhereWithItsUnreadBytes(Support.Platform platform) {}

        /** Takes its time, and is about the callback API's own limits. */
        @Override
        void aHandshakeHasItsOwnDeadline() {}
    }

    @Nested
    class Framed extends FramedTest {}

    @Nested
    class ReplacedCallback extends ReplacedCallbackTest {}

    @Nested
    class SendFile extends SendFileTest {}

    @Nested
    class CopyCount extends CopyCountTest {}

    @Nested
    class Relay extends RelayTest {

        /** Takes its time, and is core's affair. */
        @Override
        void idleTimeoutsSeeTheBytes(Support.Platform platform) {}
    }

    @Nested
    class Failures extends FailuresTest {}

    @Nested
    class BrokenOff extends BrokenOffTest {}

    @Nested
    class ScarceMemory extends ScarceMemoryTest {}

    @Nested
    class PeerGone extends PeerGoneTest {}

    @Nested
    class EndBehindBytes extends EndBehindBytesTest {}

    @Nested
    class InputEnded extends InputEndedTest {}

    @Nested
    class CallbackPool extends CallbackPoolTest {

        /** Is about a time that is too short for a handshake on a busy machine. */
        @Override
        void whatABorrowerDoesTooLateTouchesNobody() {}
    }

    @Nested
    class Workers extends WorkersTest {

        /** Takes its time, and has nothing to do with TLS. */
        @Override
        void theReadTimeoutCountsWhileACallbackWaitsForInputAndNotWhenItGoesOn() {}

        /** As the other. */
        @Override
        void theReadTimeoutDoesNotCountTheTimeOfACallback() {}
    }

    @Nested
    class Backpressure extends BackpressureTest {}

    @Nested
    class EndOfConnection extends EndOfConnectionTest {}

    @Nested
    class Endings extends EndingsTest {}

    @Nested
    class UnreadBytes extends UnreadBytesTest {}

    @Nested
    class Shutdown extends ShutdownTest {

        /** Takes its time, and is about accepting. */
        @Override
        void acceptingGoesOnWhileTheEndIsAnnounced() {}
    }

    @Nested
    class OthersBytes extends OthersBytesTest {}

    @Nested
    class PeerFaults extends PeerFaultsTest {}

    @Nested
    class WorkersRelay extends WorkersRelayTest {}

    @Nested
    class Dial extends DialTest {}

    @Nested
    class HangUp extends HangUpTest {}

    @Nested
    class Fairness extends FairnessTest {

        /** Engines allocate. */
        @Override
        void aRequestAllocatesNothing() {}

        /** As for a request. */
        @Override
        void aWholeMessageAllocatesNothing() {}
    }

    @Nested
    class ShutdownTimes extends ShutdownTimesTest {

        /** Is a JVM of its own. */
        @Override
        void aCallbackThatExitsIsNotWaitedForByTheHookThatClosesItsServer(String where) {}
    }

    /** What else there is about this is core's affair, where a test has the clock in hand. */
    @Nested
    class IdleTimeout extends IdleTimeoutTest {

        /** Takes its time. */
        @Override
        void anExchangeInProgressIsNotIdle(String threads) {}

        /** Takes its time. */
        @Override
        void aCallbackThatTakesItsTimeIsNotIdle(String threads) {}

        /** Takes its time. */
        @Override
        void aPeerThatTakesItsAnswerSlowlyIsNotIdle() {}
    }
}
