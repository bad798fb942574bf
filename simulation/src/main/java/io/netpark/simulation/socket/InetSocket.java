package io.netpark.simulation.socket;

import io.netpark.core.linux.Linux;
import io.netpark.core.sys.Errno;
import io.netpark.simulation.description.Failure;
import io.netpark.simulation.network.Host;
import io.netpark.simulation.network.Ports;
import io.netpark.simulation.network.Tenant;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnknownHostException;
import org.jspecify.annotations.Nullable;

/** A socket of IPv4 or IPv6: its names, and its place among the {@link Ports} of its host. */
abstract class InetSocket<S extends InetSocket<S>> extends Socket implements Tenant {

    final Host<TcpSocket, UdpSocket> host;
    private InetSocketAddress local;
    @Nullable InetSocketAddress remote;
    /** Whether the port was chosen by the program, and stays when a connection ends. */
    private boolean bound;
    private boolean isTenant;

    InetSocket(Host<TcpSocket, UdpSocket> host, int domain, int type, int flags, SocketOptions options) {
        super(domain, type, flags, options);
        this.host = host;
        this.local = new InetSocketAddress(wildcard(), 0);
    }

    abstract Ports<S> ports();

    abstract S self();

    private InetAddress wildcard() {
        try {
            return InetAddress.getByAddress(new byte[domain() == Linux.AF_INET6 ? 16 : 4]);
        } catch (UnknownHostException impossible) {
            throw new AssertionError(impossible); // thrown only for arrays of other lengths
        }
    }

    // Names

    @Override
    public final InetSocketAddress local() {
        return local;
    }

    @Override
    public SocketAddress remote() {
        if (remote == null) {
            throw new Failure(Errno.ENOTCONN);
        }
        return remote;
    }

    /** An address that this socket may be bound to, or may reach. */
    final InetSocketAddress require(SocketAddress address) {
        if (!(address instanceof InetSocketAddress inet)) {
            throw new Failure(domain() == Linux.AF_INET6 ? Errno.EINVAL : Errno.EAFNOSUPPORT);
        }
        boolean isIpv6 = inet.getAddress() instanceof Inet6Address;
        if (isIpv6 && domain() == Linux.AF_INET) {
            throw new Failure(Errno.EAFNOSUPPORT);
        }
        if (!isIpv6 && domain() == Linux.AF_INET6 && options.takesOnlyIpv6()) {
            throw new Failure(Errno.ENETUNREACH);
        }
        return inet;
    }

    @Override
    public final void bind(SocketAddress address) {
        InetSocketAddress inet = require(address);
        if (!host.canBind(inet.getAddress())) {
            throw new Failure(Errno.EADDRNOTAVAIL);
        }
        if (isTenant || isInUse()) {
            throw new Failure(Errno.EINVAL);
        }
        settle(inet.getAddress(), inet.getPort());
        bound = inet.getPort() != 0;
    }

    /** Whether it is connected, and so cannot be bound any more. */
    abstract boolean isInUse();

    private void settle(InetAddress address, int wanted) {
        InetSocketAddress before = local;
        int port = wanted != 0 ? wanted : ports().choose();
        if (port == 0) {
            throw new Failure(Errno.EADDRINUSE);
        }
        local = new InetSocketAddress(address, port);
        try {
            ports().bind(self());
        } catch (Failure e) {
            local = before;
            throw e;
        }
        isTenant = true;
    }

    /** Gets a port if it has none, as a listener or sender that was not bound does. */
    final void autobind() {
        if (!isTenant) {
            settle(local.getAddress(), 0);
        }
    }

    /** Its address from now on, for a peer that is known. */
    final void settleFor(InetSocketAddress peer) {
        if (!isTenant) {
            settle(local.getAddress(), 0);
        }
        if (local.getAddress().isAnyLocalAddress()) {
            move(new InetSocketAddress(host.sourceFor(peer.getAddress()), local.getPort()));
        }
    }

    private void move(InetSocketAddress address) {
        ports().remove(self());
        local = address;
        ports().add(self());
    }

    /** Its names as a connection that has been accepted. */
    final void accepted(InetSocketAddress own, InetSocketAddress peer) {
        local = own;
        remote = peer;
        ports().add(self());
        isTenant = true;
    }

    /** Gives the port back, unless the program has chosen it. */
    final void unsettle() {
        if (isTenant && !bound) {
            leave();
        }
    }

    /** Gives the port back. */
    final void leave() {
        if (isTenant) {
            isTenant = false;
            ports().remove(self());
        }
    }

    // As the other tenants see it

    @Override
    public final boolean takesBoth() {
        return domain() == Linux.AF_INET6 && !options.takesOnlyIpv6() && local.getAddress().isAnyLocalAddress()
                && local.getAddress() instanceof Inet6Address;
    }

    @Override
    public final boolean reusesAddress() {
        return options.reusesAddress();
    }

    @Override
    public final boolean reusesPort() {
        return options.reusesPort();
    }

    @Override
    public final void setOption(int level, int name, byte[] value) {
        if (level == Linux.IPPROTO_IPV6 && name == Linux.IPV6_V6ONLY && isTenant) {
            throw new Failure(Errno.EINVAL);
        }
        super.setOption(level, name, value);
    }
}
