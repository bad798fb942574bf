package io.netpark.core.net.listening;

import io.netpark.core.linux.Linux;
import io.netpark.core.net.options.NetOptions;
import io.netpark.core.net.options.OptionCalls;
import io.netpark.core.sys.LibC;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.SockAddr;
import java.net.SocketAddress;
import org.jspecify.annotations.Nullable;

/** The options that accepted sockets do not inherit from the listener, and have to be given. Belongs to whoever holds the read lock. */
final class AcceptedOptions {

    /** For each socket; null if there are none. */
    private final @Nullable NetOptions forEach;
    /** How many connections wait that have not inherited the listener's options, as they are older than these. */
    private int older;
    private NetOptions forOlder = NetOptions.DEFAULT;

    AcceptedOptions(@Nullable NetOptions forEach) {
        this.forEach = forEach;
    }

    /** So many that will be accepted first have not inherited the options. Before anything is accepted. */
    void setOnOlder(NetOptions inherited, int count) {
        forOlder = inherited;
        older = count;
    }

    void apply(LibC libc, int fd, SocketAddress local) throws NetparkException {
        if (forEach != null) {
            OptionCalls.apply(forEach, libc, fd, Linux.AF_UNIX); // all of SOL_SOCKET, which every family has
        }
        if (older > 0) {
            OptionCalls.apply(forOlder, libc, fd, SockAddr.family(local));
            older--; // only now: whoever could not be given them is tried again
        }
    }
}
