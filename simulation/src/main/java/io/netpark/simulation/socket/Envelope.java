package io.netpark.simulation.socket;

import io.netpark.simulation.description.Description;
import java.net.SocketAddress;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What goes with the bytes of a message: of sendmsg(2) what the program has said, of recvmsg(2) what it is told. */
public final class Envelope {

    /** Where it goes, or where it comes from; null if that is not said. */
    public @Nullable SocketAddress address;
    /** Descriptors that go with it (SCM_RIGHTS). Each is held: whoever takes them out releases them, or hands them on. */
    public List<Description> rights = List.of();
    /** MSG_TRUNC and the like. */
    public int flags;
    /** A notice of the error queue, in place of rights. */
    public byte @Nullable [] notice;

    /** Nobody takes the rights out. */
    public void throwAway() {
        rights.forEach(Description::release);
        rights = List.of();
    }
}
