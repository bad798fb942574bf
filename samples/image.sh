# What samples/run and bench/run share; they source it. Each runs its programs from an image: the jars of one build, in a folder of
# their own below MODULE/.run. A later build, of this script or by hand, makes another image and leaves those that are in use:
# the programs that run keep their jars, also those from which nothing has been loaded yet.
#
#   MODULE/.run/image-KIND-N    a whole image: its jars, their class path, and when its build began
#   MODULE/.run/lock            held by who runs Maven here: one build at a time for both scripts
#   image-KIND-N/beside         jars of another class path, if the build has left some in MODULE/target/run/beside
#   image-KIND-N/classes-JDK-N  N bytes of classes that this JDK has parsed and linked already, for a fast start
#   image-KIND-N/lock           shared by the programs that run from it; who gets it alone removes the image
#
# KIND is ffm if the building JDK was 22 or newer: then the image runs on every JDK from 17 on. Older ones leave the
# foreign-function binding out, so theirs, of KIND jna, is not for newer ones.

fail() {
    echo "$script: $1" >&2
    exit 1
}

version() {
    sed -n '/<version>/{s:.*<version>\(.*\)</version>.*:\1:p;q}' "$root/pom.xml"
}

# Sets java, jdk, runtime and JAVA_HOME, which Maven takes as well.
find_jdk() {
    [ "$(uname -s)" = Linux ] || fail "Netpark runs on Linux only, this is $(uname -s)"
    java=${JAVA_HOME:+$JAVA_HOME/bin/}java
    local found
    found=$(command -v "$java") || fail "no $java: install JDK 17 or newer and put it on the PATH, or set JAVA_HOME"
    read_release "$(readlink -f "$found")" || ask_java
    [[ $jdk =~ ^[0-9]+$ && $jdk -ge 17 ]] || fail "JDK 17 or newer is needed, $java is version $jdk"
    export JAVA_HOME
    [ -x "$JAVA_HOME/bin/javac" ] || fail "a JDK is needed, $JAVA_HOME is only a runtime: it has no javac"
}

# What a JDK says of itself in its file "release". Some have none, and a java may be a script in front of others: those are asked.
read_release() {
    local home=${1%/bin/java} line version=
    [ "$home" != "$1" ] && [ -r "$home/release" ] || return 1
    runtime=
    while read -r line; do
        case $line in
            JAVA_VERSION=*) version=$line ;;
            JAVA_RUNTIME_VERSION=*) runtime=${line#*=} ;;
        esac
    done <"$home/release"
    runtime=${runtime//[^[:alnum:].+-]/}
    [[ $version =~ ^JAVA_VERSION=\"(1\.)?([0-9]+) ]] || return 1
    jdk=${BASH_REMATCH[1]}${BASH_REMATCH[2]}
    JAVA_HOME=$home
}

# Starting a JVM takes long, beside all else that is done here.
ask_java() {
    local properties
    properties=$("$java" -XshowSettings:properties -version 2>&1) || fail "$java does not work: ${properties%%$'\n'*}"
    property() {
        sed -n "s/^ *$1 = //p" <<<"$properties"
    }
    jdk=$(property java.specification.version)
    runtime=$(property java.runtime.version)
    JAVA_HOME=$(property java.home)
}

# Sets image to the newest image that this JDK can run. With "fresh" only to one of the sources as they are now.
find_image() {
    local candidate
    image=
    for candidate in "$root/$module/.run"/image-*; do
        [ -e "$candidate/began" ] || continue
        [[ $jdk -lt 22 || $candidate == */image-ffm-* ]] || continue
        [ "${1-}" != fresh ] || ! is_newer_than "$candidate/began" || continue
        [[ -n $image && $image -nt $candidate ]] || image=$candidate
    done
    [ -n "$image" ]
}

# Whether a source is newer than a file. Folders count: a file removed changes its folder.
is_newer_than() {
    local paths=("$root/pom.xml") part
    for part in "${modules[@]}"; do
        paths+=("$root/$part/pom.xml" "$root/$part/src/main")
    done
    [ -n "$(find "${paths[@]}" -newer "$1" -print -quit)" ]
}

# Whether the last build by Maven was one of these sources by this JDK. Every build of the module writes its class path, as its
# last step, into a file named after the JDK, and removes that of the build before.
is_built() {
    classpath=$root/$module/target/run/classpath-jdk-$jdk
    [ -s "$classpath" ] && ! is_newer_than "$classpath" || return 1
    local entries entry
    IFS=: read -r -a entries <"$classpath" || true # it has no line end
    for entry in "${entries[@]}" "$root/$module/target/classes"; do
        [ -e "$entry" ] || return 1
    done
    [[ ${entries[*]} == *"$root/core/target/"* ]] # else the tree has been copied or moved
}

build() {
    [ -n "$(command -v mvn)" ] || fail "no mvn: install Maven 3.8 or newer and put it on the PATH"
    echo "$script: building with JDK $jdk, this takes a minute" >&2
    local quiet=() # older Mavens use Unsafe, and native code
    [ "$jdk" -lt 22 ] || quiet+=(--enable-native-access=ALL-UNNAMED)
    [ "$jdk" -lt 23 ] || quiet+=(--sun-misc-unsafe-memory-access=allow)
    # Without the tests' classes, which would double the time. Their phase must be there all the same: where nothing of this project
    # is installed, Maven finds what a module needs of another's tests only in a build that has come so far.
    (cd "$root" && MAVEN_OPTS="${quiet[*]} ${MAVEN_OPTS-}" mvn -q -B -ntp -pl "$module" -am -Dmaven.test.skip=true test-compile >&2) ||
        fail "the build failed"
    is_built || fail "the build has left no usable $classpath; is another build going on in this tree?"
}

# The jars of what is_built has found. Renamed to its name when it is whole.
make_image() {
    local kind=jna new entries entry number=0 at jars=
    [ "$jdk" -lt 22 ] || kind=ffm
    new=$root/$module/.run/new
    rm -rf "$new"
    mkdir -p "$new"
    touch -r "$classpath" "$new/began"
    IFS=: read -r -a entries <"$classpath" || true
    for entry in "$root/$module/target/classes" "${entries[@]}"; do
        number=$((number + 1))
        if [ -d "$entry" ]; then
            at=$number-$(basename "${entry%/target/classes}").jar
            "$JAVA_HOME/bin/jar" --create --file "$new/$at" -C "$entry" . &
        else
            at=$number-$(basename "$entry")
            cp "$entry" "$new/$at"
        fi
        jars+=${jars:+:}$at
    done
    wait
    echo "$jars" >"$new/classpath"
    [ ! -d "$root/$module/target/run/beside" ] || cp -r "$root/$module/target/run/beside" "$new/beside"
    : >"$new/lock"
    is_built || fail "what was built has been changed meanwhile; is another build going on in this tree?"
    image=$root/$module/.run/image-$kind-$(date +%s%N)
    mv "$new" "$image"
    remove_others
}

remove_others() {
    [ -n "$(command -v flock)" ] || return 0 # nobody knows which are in use
    local other
    for other in "$root/$module/.run"/image-"$kind"-*; do
        [ "$other" = "$image" ] || flock -n "$other/lock" rm -rf "$other" || true
    done
}

# Sets archive to the image's classes for this JDK, or to none if there are none that can be used.
#
# A JVM that has been given an archive that does not fit goes on without, and it compares a checksum with VerifySharedSpaces. But it
# can be killed by one that was cut short. So the length is a part of the name. One of no length says that this JDK makes none.
find_archive() {
    local candidate
    archive=
    for candidate in "$image/classes-$jdk-$runtime-${JAVA_HOME//\//-}"-*; do
        [ -f "$candidate" ] || return 1
        [ "$(stat -c %s "$candidate")" = "${candidate##*-}" ] || continue
        archive=$candidate
        return 0
    done
    return 1
}

# Makes the image's classes for this JDK: those that a rehearsal has loaded. Whoever cannot have the lock at once runs without.
make_archive() {
    [ -n "$(command -v flock)" ] && [ -w "$image" ] && [ -w "$root/samples/.run" ] || return 0
    (
        flock -n 9 && ! find_archive || exit 0
        local new=$image/new-classes made="$image/classes-$jdk-$runtime-${JAVA_HOME//\//-}"
        echo "$script: preparing fast starts with JDK $jdk, this takes some seconds" >&2
        rm -f "$made"-* "$new"* # of another length
        local making=-XX:ArchiveClassesAtExit=$new
        [ "$jdk" -lt 25 ] || making=-XX:AOTCacheOutput=$new # has the objects and profiles of the rehearsal, too
        rehearse "$JAVA_HOME/bin/java" "${options[@]}" "$making" -cp "$jars" >/dev/null 2>&1 && [ -s "$new" ] || : >"$new"
        mv "$new" "$made-$(stat -c %s "$new")"
    ) 9>"$root/samples/.run/lock" || true
}

# Runs a main class in place of this shell, so that signals reach it: run_image MAIN [arguments], with the JVM's options in options.
# A script that has a function rehearse, which runs a program by the command that it is given, has its programs start faster, unless
# NETPARK_NO_ARCHIVE is set.
run_image() {
    local arguments=" ${*:2} " is_help=
    [[ $arguments != *" --help "* && $arguments != *" -h "* ]] || is_help=yes
    # What a program says of itself needs no build, if there is any image.
    if ! { [ -n "$is_help" ] && find_image; } && ! find_image fresh; then
        mkdir -p "$root/$module/.run" "$root/samples/.run"
        (
            [ -z "$(command -v flock)" ] || flock 9
            if ! find_image fresh; then
                is_built || build
                make_image
            fi
        ) 9>"$root/samples/.run/lock" # ends with these parentheses: no program inherits it
        find_image fresh || fail "the sources have been changed during the build; start again"
    fi
    exec 8<"$image/lock" # the program inherits it, and so keeps the image
    [ -z "$(command -v flock)" ] || flock -s 8
    [ -e "$image/began" ] || run_image "$@" # removed since it was found
    local entries entry jars=
    IFS=: read -r -a entries <"$image/classpath" || true
    for entry in "${entries[@]}"; do
        jars+=${jars:+:}$image/$entry
    done
    [ ! -d "$image/beside" ] || options+=(-D"netpark.$module.beside=$image/beside")
    if [ "$(type -t rehearse)" = function ] && [ -z "${NETPARK_NO_ARCHIVE-}" ]; then
        find_archive || [ -n "$is_help" ] || make_archive
        if find_archive && [ -s "$archive" ]; then
            # Without a word: one that does not fit is no failure.
            if [ "$jdk" -ge 25 ]; then
                options+=(-XX:AOTCache="$archive" -XX:+VerifySharedSpaces '-Xlog:aot*=off' '-Xlog:cds*=off')
            else
                options+=(-XX:SharedArchiveFile="$archive" -XX:+VerifySharedSpaces '-Xlog:cds*=off')
            fi
        fi
    fi
    exec "$JAVA_HOME/bin/java" "${options[@]}" -cp "$jars" "$@"
}
