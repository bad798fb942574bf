# What samples/run and bench/run share; they source it. Each runs its programs from an image: the jars of one build, in a folder of
# their own below MODULE/.run. A later build, of this script or by hand, makes another image and leaves those that are in use:
# the programs that run keep their jars, also those from which nothing has been loaded yet.
#
#   MODULE/.run/image-KIND-N    a whole image: its jars, their class path, and when its build began
#   MODULE/.run/lock            held by who runs Maven here: one build at a time for both scripts
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

# Sets java, jdk and JAVA_HOME, which Maven takes as well.
find_jdk() {
    [ "$(uname -s)" = Linux ] || fail "Netpark runs on Linux only, this is $(uname -s)"
    java=${JAVA_HOME:+$JAVA_HOME/bin/}java
    [ -n "$(command -v "$java")" ] || fail "no $java: install JDK 17 or newer and put it on the PATH, or set JAVA_HOME"
    local properties
    properties=$("$java" -XshowSettings:properties -version 2>&1) || fail "$java does not work: ${properties%%$'\n'*}"
    property() {
        sed -n "s/^ *$1 = //p" <<<"$properties"
    }
    jdk=$(property java.specification.version)
    [[ $jdk =~ ^[0-9]+$ && $jdk -ge 17 ]] || fail "JDK 17 or newer is needed, $java is version $jdk"
    JAVA_HOME=$(property java.home)
    export JAVA_HOME
    [ -x "$JAVA_HOME/bin/javac" ] || fail "a JDK is needed, $JAVA_HOME is only a runtime: it has no javac"
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
    # No further than the classes: the tests' would double the time.
    (cd "$root" && MAVEN_OPTS="${quiet[*]} ${MAVEN_OPTS-}" mvn -q -B -ntp -pl "$module" -am process-classes >&2) || fail "the build failed"
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

# Runs a main class in place of this shell, so that signals reach it: run_image MAIN [arguments], with the JVM's options in options.
run_image() {
    local arguments=" ${*:2} "
    # What a program says of itself needs no build, if there is any image.
    if ! { [[ $arguments == *" --help "* || $arguments == *" -h "* ]] && find_image; } && ! find_image fresh; then
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
    local jar jars=
    while read -r -d : jar; do
        jars+=${jars:+:}$image/$jar
    done < <(echo -n "$(<"$image/classpath"):")
    exec "$JAVA_HOME/bin/java" "${options[@]}" -cp "$jars" "$@"
}
