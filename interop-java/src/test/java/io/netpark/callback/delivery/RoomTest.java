package io.netpark.callback.delivery;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** Places, and the line of those that wait for one. */
class RoomTest {

    private static WorkerCall call() {
        return new WorkerCall(null, null, null, task -> false);
    }

    private static WorkerCall waiting(Room room) {
        WorkerCall call = call();
        assertFalse(room.await(call, false));
        return call;
    }

    @Test
    void asManyEnterAsThereArePlaces() {
        Room room = new Room(2);
        assertTrue(room.enter());
        assertTrue(room.enter());
        assertFalse(room.enter());
        assertNull(room.leave());
        assertTrue(room.enter());
        assertFalse(room.enter());
    }

    @Test
    void whoeverCameFirstHasThePlaceThatIsLeft() {
        Room room = new Room(1);
        assertTrue(room.enter());
        WorkerCall first = waiting(room);
        WorkerCall second = waiting(room);
        WorkerCall third = waiting(room);
        assertTrue(room.withdraw(second));
        assertFalse(room.withdraw(second));
        assertSame(first, room.leave());
        assertNull(room.next()); // it has the only place
        assertSame(third, room.leave());
        assertNull(room.leave());
        assertTrue(room.enter());
    }

    @Test
    void nobodyOvertakesThoseThatWait() {
        Room room = new Room(1);
        assertTrue(room.enter());
        WorkerCall first = waiting(room);
        assertSame(first, room.leave());
        WorkerCall second = waiting(room);
        room.awaitInFront(first); // the executor has not taken it, and so there is a place
        assertFalse(room.enter());
        assertSame(first, room.next());
        assertNull(room.next());
        assertSame(second, room.leave());
        assertNull(room.leave());
    }

    @Test
    void aPlaceThatHasBecomeFreeMeanwhileIsTakenAtOnceUnlessTheExecutorHasRefused() {
        Room room = new Room(1);
        assertTrue(room.await(call(), false));
        assertNull(room.leave());
        WorkerCall refused = call();
        assertFalse(room.await(refused, true));
        assertSame(refused, room.next());
    }

    @Test
    void whereTheExecutorCountsNobodyWaitsUntilSomebodyDoes() {
        Room room = new Room(Room.UNKNOWN);
        assertTrue(room.enter());
        WorkerCall refused = call();
        assertFalse(room.await(refused, true));
        assertFalse(room.enter());
        assertSame(refused, room.leave());
        assertTrue(room.enter());
        assertNull(room.leave());
    }
}
